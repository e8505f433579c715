//! Where a repository is, and which repositories inside of it are its own.

use std::path::{Path, PathBuf};

use super::index::{self, NotAnIndex};
use crate::sandbox::git_directories;

/// The repository that git works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Its working tree.
    pub(crate) top: PathBuf,
    /// Where its index is.
    git: PathBuf,
    /// Where its settings are, and the repositories of its submodules.
    common: PathBuf,
}

impl Repository {
    /// The nearest one at a directory or above it.
    pub(crate) fn around(directory: &Path) -> Option<Self> {
        let (top, marker) = directory
            .ancestors()
            .map(|top| (top, top.join(".git")))
            .find(|(_, marker)| marker.symlink_metadata().is_ok())?;
        let directories = if marker.is_dir() { vec![marker] } else { git_directories(&marker) };
        let mut directories = directories.into_iter().filter_map(|path| std::fs::canonicalize(path).ok());
        let git = directories.next()?;
        let common = directories.next().unwrap_or_else(|| git.clone());
        Some(Self { top: top.to_owned(), git, common })
    }

    /// The directories that its index says are repositories, and that git therefore enters.
    pub(crate) fn entered(&self) -> Result<Vec<PathBuf>, NotAnIndex> {
        let gitlinks = index::gitlinks(&self.git)?;
        Ok(gitlinks.into_iter().map(|path| self.top.join(path)).collect())
    }

    /// Whether a directory is a repository that this one does not keep: its settings lie where agents write.
    pub(crate) fn is_loose(&self, directory: &Path) -> bool {
        let marker = directory.join(".git");
        match marker.symlink_metadata() {
            Err(_) => false,
            Ok(metadata) if metadata.is_file() => {
                let kept = git_directories(&marker);
                kept.is_empty() || !kept.iter().all(|path| path.starts_with(&self.common))
            }
            Ok(_) => true,
        }
    }
}
