//! `trusted_folders.json` among our own files, which no sandboxed command sees: what `codex-task trust` writes.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{TrustOrigin, TrustedFolders};
use crate::Environment;

/// The file's name.
const FILE_NAME: &str = "trusted_folders.json";
/// Bytes that are read of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The file as it stands. Unknown keys are an error: a later version may mean by them what this one would lose.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    folders: BTreeSet<PathBuf>,
}

/// Why the user's list of trusted folders cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustStoreError {
    /// There is no home directory to keep it in.
    #[error("there is no home directory to keep trusted folders in")]
    NoHome,
    /// The folder is not there, or cannot be read.
    #[error("'{}' cannot be trusted", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file cannot be read.
    #[error("'{}' cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file cannot be written.
    #[error("'{}' cannot be written", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl TrustStoreError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoHome => "set HOME, or use --trust for a single run",
            Self::Folder { .. } => "name a directory that exists",
            Self::Read { .. } => "correct the file, or remove it and trust your folders again",
            Self::Write { .. } => "make the directory writable, or use --trust for a single run",
        }
    }
}

/// The list of folders that the user has trusted with `codex-task trust`.
#[derive(Clone, Debug)]
pub struct TrustStore {
    path: PathBuf,
}

impl TrustStore {
    /// The user's own.
    ///
    /// # Errors
    /// [`TrustStoreError::NoHome`].
    pub fn of_user(environment: &Environment) -> Result<Self, TrustStoreError> {
        let directory = environment.state_dir().ok_or(TrustStoreError::NoHome)?;
        Ok(Self { path: directory.join(FILE_NAME) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folders in it, as they were called when they were trusted.
    ///
    /// # Errors
    /// [`TrustStoreError::Read`]; a file that is not there has no folders.
    pub fn folders(&self) -> Result<BTreeSet<PathBuf>, TrustStoreError> {
        read(&self.path)
            .map(|written| written.folders)
            .map_err(|error| TrustStoreError::Read { path: self.path.clone(), error })
    }

    /// Trusts a folder, by its real place, which is returned; also whether it is new.
    ///
    /// # Errors
    /// [`TrustStoreError::Folder`], [`TrustStoreError::Read`] and [`TrustStoreError::Write`].
    pub fn add(&self, folder: &Path) -> Result<(PathBuf, bool), TrustStoreError> {
        let missing = |error| TrustStoreError::Folder { folder: folder.to_path_buf(), error };
        let real = folder.canonicalize().map_err(missing)?;
        if !real.is_dir() {
            return Err(missing(io::ErrorKind::NotADirectory.into()));
        }
        let mut folders = self.folders()?;
        let is_new = folders.insert(real.clone());
        if is_new {
            self.write(folders)?;
        }
        Ok((real, is_new))
    }

    /// Takes trust away from a folder, which may be gone; tells whether it had any here.
    ///
    /// # Errors
    /// [`TrustStoreError::Read`] and [`TrustStoreError::Write`].
    pub fn remove(&self, folder: &Path) -> Result<bool, TrustStoreError> {
        let mut folders = self.folders()?;
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let had = folders.remove(&real);
        if had {
            self.write(folders)?;
        }
        Ok(had)
    }

    /// Adds all folders to a value.
    ///
    /// # Errors
    /// [`TrustStoreError::Read`].
    pub(in crate::settings) fn extend(&self, trusted: &mut TrustedFolders) -> Result<(), TrustStoreError> {
        self.folders()?.iter().for_each(|folder| trusted.insert(folder, TrustOrigin::Command));
        Ok(())
    }

    /// Replaces the file as a whole; whoever reads it meanwhile sees the old one or the new one.
    fn write(&self, folders: BTreeSet<PathBuf>) -> Result<(), TrustStoreError> {
        let written = || -> io::Result<()> {
            let mut text = serde_json::to_string_pretty(&Written { folders })?;
            text.push('\n');
            // Who keeps the file elsewhere and a link here keeps both.
            let target = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
            if let Some(directory) = target.parent() {
                fs::create_dir_all(directory)?;
            }
            let draft = target.with_extension(format!("json.{}", std::process::id()));
            let done = new_file(&draft, &text).and_then(|()| fs::rename(&draft, &target));
            if done.is_err() {
                // The draft may not even be there; the first error is the one to tell.
                let _ = fs::remove_file(&draft);
            }
            done
        };
        written().map_err(|error| TrustStoreError::Write { path: self.path.clone(), error })
    }
}

/// Writes a file that was not there, for its owner's eyes only.
fn new_file(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read(path: &Path) -> io::Result<Written> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX => {
            Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
        }
        Ok(_) => Err(io::Error::other("it is no regular file of at most 1 MiB")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Written::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, TrustStore) {
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path().join("home").display().to_string();
        let store = TrustStore::of_user(&Environment::new(dir.path(), [("HOME", home)])).expect("a home");
        (dir, store)
    }

    #[test]
    fn a_folder_is_trusted_once_and_until_it_is_taken_out() {
        let (dir, store) = store();
        let folder = dir.path().join("a");
        assert!(matches!(store.add(&folder), Err(TrustStoreError::Folder { .. })));
        std::fs::create_dir(&folder).expect("a folder");
        let real = folder.canonicalize().expect("it exists");
        assert_eq!(store.add(&folder.join(".")).expect("written"), (real.clone(), true));
        assert_eq!(store.add(&folder).expect("read"), (real.clone(), false));
        assert_eq!(store.folders().expect("read"), BTreeSet::from([real.clone()]));
        std::fs::remove_dir(&folder).expect("removed");
        assert!(store.remove(&real).expect("written"), "also when the folder is gone");
        assert!(!store.remove(&real).expect("read"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, store) = store();
        store.add(dir.path()).expect("written");
        let mode = store.path().metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let beside = store.path().parent().expect("a directory").read_dir().expect("a directory").count();
        assert_eq!(beside, 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_trusts_nothing_and_is_not_overwritten() {
        let (dir, store) = store();
        std::fs::create_dir_all(store.path().parent().expect("a directory")).expect("folders");
        for text in ["", "[]", "{\"folders\": 7}", "{\"folders\": [], \"later\": true}"] {
            std::fs::write(store.path(), text).expect("a file");
            assert!(matches!(store.add(dir.path()), Err(TrustStoreError::Read { .. })), "{text}");
            assert_eq!(std::fs::read_to_string(store.path()).expect("a file"), text);
        }
    }
}
