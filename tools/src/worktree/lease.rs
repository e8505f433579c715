//! Who works in which worktree: a locked file for each, beside the user's other state. The kernel lets go of the lock when
//! its process dies, however that happens, so that the next process knows what is left.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// What is known of a worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holding {
    /// The repository's root.
    pub(super) repository: PathBuf,
    /// The name of the worktree.
    pub(super) name: String,
    /// The commit that it began with.
    pub(super) base: String,
}

/// A worktree that this process works in. Dropping it gives it to whoever comes next.
#[derive(Debug)]
pub(super) struct Lease {
    path: PathBuf,
    _lock: File,
}

impl Lease {
    /// Takes a worktree; gives what was known of it before. `None` when another process works in it.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn take(directory: &Path, holding: &Holding) -> io::Result<Option<(Self, Option<Holding>)>> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{}.json", holding.name));
        if let Some((lease, known)) = Self::take_over(&path)? {
            return Ok(Some((lease, Some(known))));
        }
        if path.exists() {
            return Ok(None);
        }
        // Locked before anybody else can see it.
        let new = directory.join(format!("{}.{}.new", holding.name, std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(serde_json::to_string(holding)?.as_bytes())?;
        fs::rename(&new, &path)?;
        Ok(Some((Self { path, _lock: file }, None)))
    }

    /// Takes over what a dead process has left. `None` when there is nothing, or when its process lives.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn take_over(path: &Path) -> io::Result<Option<(Self, Holding)>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let holding = serde_json::from_str(&text)?;
        Ok(Some((Self { path: path.to_owned(), _lock: file }, holding)))
    }

    /// The leases of a directory, held or not.
    pub(super) fn all(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
    }

    /// The worktree is gone, or the user's own now.
    pub(super) fn end(self) {
        // One that stays is looked at again by the next process, which finds nothing to do.
        let _ = fs::remove_file(&self.path);
    }
}
