//! One worktree, from its making to its leaving.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::WorktreeError;
use super::git::Git;
use super::lease::Lease;
use super::worktrees::{clear, full};

/// A worktree that an agent works in. [`Worktree::leave`] ends that; dropping it does the same on a thread of its own.
#[derive(Debug)]
pub struct Worktree {
    path: PathBuf,
    branch: String,
    /// Taken by whoever leaves first.
    held: Mutex<Option<Held>>,
}

/// What became of a worktree that was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing in it had changed: it is gone, and its branch with it.
    Removed,
    /// Something had changed, or nobody could tell: it is still there.
    Kept,
}

/// What a worktree began with.
#[derive(Debug)]
pub(super) enum Base {
    /// A commit of the repository.
    Commit(String),
    /// It was there before: it is never removed.
    Unknown,
}

#[derive(Debug)]
struct Held {
    git: Git,
    root: PathBuf,
    path: PathBuf,
    branch: String,
    /// Git's own directory for the worktree: an agent may have changed what its `.git` file says.
    git_dir: String,
    base: Base,
    lease: Option<Lease>,
}

impl Worktree {
    /// Begins to work in a worktree, if it is one of the repository whose worktrees share `common`.
    pub(super) fn enter(
        (git, common): (Git, &Path),
        root: PathBuf,
        path: PathBuf,
        branch: String,
        base: Base,
        lease: Option<Lease>,
    ) -> Result<Self, WorktreeError> {
        let git_dir = git_dir(&git, &path, common)?;
        let held = Held { git, root, path: path.clone(), branch: branch.clone(), git_dir, base, lease };
        Ok(Self { path, branch, held: Mutex::new(Some(held)) })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its branch.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Removes the worktree if nothing in it has changed: no file, no commit. Blocks. Who leaves second is told that it
    /// is kept if it is there.
    pub fn leave(&self) -> Leaving {
        match self.take() {
            Some(held) => held.leave(),
            None if self.path.exists() => Leaving::Kept,
            None => Leaving::Removed,
        }
    }

    fn take(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        let Some(held) = self.take() else { return };
        // Not on this thread, which may be an Arbiter's. What it does not come to, the next process does.
        let leaving = std::thread::Builder::new().name("worktree-end".to_owned()).spawn(move || held.leave());
        if let Err(error) = leaving {
            tracing::warn!(%error, "a worktree is left behind");
        }
    }
}

impl Held {
    fn leave(self) -> Leaving {
        let leaving = match &self.base {
            Base::Commit(base) if self.is_unchanged(base) && self.remove(base).is_ok() => Leaving::Removed,
            Base::Commit(_) | Base::Unknown => Leaving::Kept,
        };
        if let Some(lease) = self.lease {
            lease.end();
        }
        leaving
    }

    /// Whether there is neither a change nor a commit. Where that cannot be told, there may be.
    fn is_unchanged(&self, base: &str) -> bool {
        let (git_dir, tree) = (format!("--git-dir={}", self.git_dir), self.path.as_os_str());
        let mut work_tree = std::ffi::OsString::from("--work-tree=");
        work_tree.push(tree);
        let run = |rest: &[&str]| {
            let mut arguments: Vec<&std::ffi::OsStr> = vec![git_dir.as_ref(), &work_tree];
            arguments.extend(rest.iter().map(std::ffi::OsStr::new));
            self.git.run(&arguments)
        };
        let status = ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty"];
        let is_at_base =
            |name: &str| run(&["rev-parse", "--verify", name]).is_ok_and(|commit| commit == base);
        run(&status).is_ok_and(|changes| changes.is_empty())
            && is_at_base("HEAD")
            && is_at_base(&full(&self.branch))
    }

    /// Git looks once more, and removes nothing that has changed.
    fn remove(&self, base: &str) -> Result<(), WorktreeError> {
        let remove: [&std::ffi::OsStr; 3] = ["worktree".as_ref(), "remove".as_ref(), self.path.as_ref()];
        self.git.run(&remove)?;
        clear(&self.root);
        // A branch that has moved on meanwhile stays.
        if let Err(error) = self.git.run(&["update-ref", "-d", &full(&self.branch), base]) {
            tracing::warn!(branch = self.branch, %error, "the branch of a worktree is left behind");
        }
        Ok(())
    }
}

/// Git's directory for a worktree, if that is one of this repository's.
fn git_dir(git: &Git, path: &Path, common: &Path) -> Result<String, WorktreeError> {
    let found = git.whereabouts(path)?;
    let is_its_own = found.top.is_some() && found.top == path.canonicalize().ok();
    if is_its_own && found.common.as_deref() == Some(common) {
        Ok(found.own)
    } else {
        Err(WorktreeError::Refused(format!("'{}' is no worktree of this repository", path.display())))
    }
}
