//! The worktrees of one session.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_task_config::{Environment, repository_root};

use super::git::Git;
use super::lease::{Holding, Lease};
use super::place::{Base, Worktree};
use super::{Leaving, WorktreeError};

/// Where worktrees are, below the repository's root; as in Claude Code.
const PLACE: &str = ".claude/worktrees";
/// Keeps them out of the repository's own status.
const IGNORED: &str = "*\n";

/// Makes worktrees in the repository that a session is in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Worktrees {
    root: Option<Arc<Path>>,
    /// Where leases are kept; without a home directory nowhere.
    leases: Option<Arc<Path>>,
    environment: Environment,
}

impl Worktrees {
    /// Those of a session with this environment.
    pub fn of(environment: &Environment) -> Self {
        Self {
            root: repository_root(environment.cwd()).map(Arc::from),
            leases: environment.state_dir().map(|state| state.join("worktrees").into()),
            environment: environment.clone(),
        }
    }

    /// Where the worktree of this name is, once it is made; outside of a repository nowhere.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.root.as_deref().map(|root| root.join(PLACE).join(name))
    }

    /// Makes a worktree, or goes back to the one of this name, which nobody else works in. Blocks.
    ///
    /// # Errors
    /// [`WorktreeError`].
    pub fn open(&self, name: &str) -> Result<Worktree, WorktreeError> {
        let root = self.root.as_deref().ok_or(WorktreeError::NoRepository)?;
        let git = Git::open(root, &self.environment)?;
        let common = common_of(&git, root).ok_or(WorktreeError::NoRepository)?;
        let head =
            git.run(&["rev-parse", "--verify", "HEAD^{commit}"]).map_err(|_| WorktreeError::NoCommit)?;
        let holding = Holding { repository: root.to_owned(), name: name.to_owned(), base: head.clone() };
        let (lease, known) = self.lease(&holding)?;
        let (path, branch) = (root.join(PLACE).join(name), branch_of(name));
        prepare(root).map_err(|error| WorktreeError::Refused(error.to_string()))?;
        let base = if path.symlink_metadata().is_ok() {
            // What was there before is kept, unless the process that made it died and nothing has changed since.
            known.map_or(Base::Unknown, |known| Base::Commit(known.base))
        } else if git.run(&["rev-parse", "--verify", &full(&branch)]).is_ok() {
            add(&git, &path, &[&branch])?;
            Base::Unknown
        } else {
            add(&git, &path, &["-b", &branch, &head])?;
            Base::Commit(head)
        };
        let worktree = Worktree::enter((git, &common), root.to_owned(), path, branch, base, lease);
        worktree.map_err(|error| WorktreeError::Refused(format!("{error}; it was there before")))
    }

    fn lease(&self, holding: &Holding) -> Result<(Option<Lease>, Option<Holding>), WorktreeError> {
        let Some(directory) = &self.leases else { return Ok((None, None)) };
        match Lease::take(directory, holding) {
            Ok(Some((lease, known))) => Ok((Some(lease), known)),
            Ok(None) => Err(WorktreeError::InUse(holding.name.clone())),
            Err(error) => Err(WorktreeError::Refused(error.to_string())),
        }
    }

    /// Whether a process has left, or holds, a worktree anywhere: a look at one directory.
    pub fn is_anything_left(&self) -> bool {
        self.leases.as_deref().is_some_and(|directory| !Lease::all(directory).is_empty())
    }

    /// Removes the worktrees that dead processes have left without a change, in whatever repository; gives how many.
    /// Blocks, but for nothing when there are none.
    pub fn tidy(&self) -> usize {
        let Some(directory) = &self.leases else { return 0 };
        let left =
            Lease::all(directory).into_iter().filter_map(|path| Lease::take_over(&path).ok().flatten());
        left.map(|(lease, holding)| self.tidy_one(lease, &holding)).filter(|gone| *gone).count()
    }

    fn tidy_one(&self, lease: Lease, holding: &Holding) -> bool {
        let Holding { repository, name, base } = holding;
        let path = repository.join(PLACE).join(name);
        if path.symlink_metadata().is_err() {
            lease.end();
            return false;
        }
        // Without git, or where something else is in its place, it stays, and is nobody's but the user's.
        let Ok(git) = Git::open(repository, &self.environment) else { return false };
        let Some(common) = common_of(&git, repository) else { return false };
        let (base, branch) = (Base::Commit(base.clone()), branch_of(name));
        match Worktree::enter((git, &common), repository.clone(), path, branch, base, Some(lease)) {
            Ok(worktree) => worktree.leave() == Leaving::Removed,
            Err(_) => false,
        }
    }
}

fn branch_of(name: &str) -> String {
    format!("worktree-{name}")
}

/// A branch by the name that nothing else can have.
pub(super) fn full(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The directory that the worktrees of a repository share, if this is the repository's root.
fn common_of(git: &Git, root: &Path) -> Option<PathBuf> {
    let found = git.whereabouts(root).ok()?;
    found.common.filter(|_| found.top.is_some() && found.top == root.canonicalize().ok())
}

fn add(git: &Git, path: &Path, rest: &[&str]) -> Result<(), WorktreeError> {
    let mut arguments: Vec<&std::ffi::OsStr> =
        ["worktree", "add", "--quiet", "--force"].map(AsRef::as_ref).into();
    match rest {
        // A new branch: its name comes before the path.
        ["-b", branch, commit] => {
            let words: [&std::ffi::OsStr; 4] =
                ["-b".as_ref(), branch.as_ref(), path.as_ref(), commit.as_ref()];
            arguments.extend(words);
        }
        other => {
            arguments.push(path.as_ref());
            arguments.extend(other.iter().map(|word| std::ffi::OsStr::new(*word)));
        }
    }
    git.run(&arguments).map(drop)
}

/// Makes the directory that worktrees are in. A repository must not lead them elsewhere by a link.
fn prepare(root: &Path) -> io::Result<()> {
    let mut directory = root.to_owned();
    for name in Path::new(PLACE) {
        directory.push(name);
        match directory.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let what = format!("'{}' is no directory", directory.display());
                return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::create_dir(&directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            },
            Err(error) => return Err(error),
        }
    }
    let ignore = directory.join(".gitignore");
    if ignore.symlink_metadata().is_err() {
        fs::write(ignore, IGNORED)?;
    }
    Ok(())
}

/// Removes the directory that worktrees are in, if the last one is gone.
pub(super) fn clear(root: &Path) {
    let directory = root.join(PLACE);
    let Ok(entries) = fs::read_dir(&directory) else { return };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let ignore = directory.join(".gitignore");
    let is_ours = || fs::read_to_string(&ignore).is_ok_and(|text| text == IGNORED);
    if names.iter().all(|name| name == ".gitignore") && is_ours() {
        // Whoever makes a worktree at this moment makes both again, or keeps the directory.
        let _ = fs::remove_file(&ignore);
        let _ = fs::remove_dir(&directory);
    }
}
