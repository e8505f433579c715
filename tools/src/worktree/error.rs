//! Why an agent gets no place of its own.

use std::io;

/// Why there is no worktree. The texts of the first two are Claude Code's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorktreeError {
    /// The session is in no repository.
    #[error(
        "Cannot create agent worktree: not in a git repository and no WorktreeCreate hooks are configured."
    )]
    NoRepository,
    /// The repository has no commit yet.
    #[error("Cannot create agent worktree: Failed to resolve base branch \"HEAD\": git rev-parse failed")]
    NoCommit,
    /// There is no git that could be used.
    #[error("Cannot create agent worktree: git cannot be started: {0}")]
    NoGit(#[source] io::Error),
    /// Another process works in it.
    #[error("Cannot create agent worktree: another process works in {0}")]
    InUse(String),
    /// Git, or the file system, refused.
    #[error("Cannot create agent worktree: {0}")]
    Refused(String),
}

impl WorktreeError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoRepository => {
                "leave `isolation` out, and the agent works in the session's own directory; or make a repository with \
                 `git init` and a first commit"
            }
            Self::NoCommit => "make a first commit, or leave `isolation` out",
            Self::NoGit(_) => "install git, or leave `isolation` out",
            Self::InUse(_) => "wait for the agent that works there",
            Self::Refused(_) => {
                "look at `git worktree list`, or leave `isolation` out, and the agent works in the session's own directory"
            }
        }
    }
}
