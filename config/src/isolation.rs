//! Where an agent works apart from others.

use serde::{Deserialize, Serialize};

/// How an agent is kept apart from the session's own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In a git worktree of its own, on a branch of its own.
    Worktree,
}

impl Isolation {
    /// The words that can be read.
    pub const WORDS: [&str; 1] = ["worktree"];

    /// Reads one of the words.
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::Worktree.as_str()).then_some(Self::Worktree)
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
        }
    }
}
