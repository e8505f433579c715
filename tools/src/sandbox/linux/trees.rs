//! Cutting paths out of a directory tree: what is left, as handles that no link can redirect.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::sandbox::SandboxError;

/// A file, or a directory with everything below it.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) handle: OwnedFd,
    pub(super) is_directory: bool,
}

/// A tree that is there, or nothing: devices and private places differ between systems.
pub(super) fn tree_at(path: &Path) -> Option<Tree> {
    let handle = open_path(CWD, path.as_os_str()).ok()?;
    match kind_of(&handle).ok()? {
        FileType::Symlink => None,
        kind => Some(Tree { handle, is_directory: kind.is_dir() }),
    }
}

/// Gives the trees that together are `root` without `cut`, one after the other. Links are left out: what they lead to
/// has its own tree.
///
/// # Errors
/// Those of `take`, or [`SandboxError::Setup`] when a directory that has to be divided is unreadable.
pub(super) fn trees_without(
    root: &Path,
    cut: &[PathBuf],
    take: &mut dyn FnMut(Tree) -> Result<(), SandboxError>,
) -> Result<(), SandboxError> {
    match tree_at(root).filter(|_| !cut.iter().any(|cut| root.starts_with(cut))) {
        Some(tree) => divide(root, tree, cut, take),
        None => Ok(()),
    }
}

fn divide(
    path: &Path,
    tree: Tree,
    cut: &[PathBuf],
    take: &mut dyn FnMut(Tree) -> Result<(), SandboxError>,
) -> Result<(), SandboxError> {
    let below: Vec<PathBuf> = cut.iter().filter(|cut| cut.starts_with(path)).cloned().collect();
    if below.is_empty() || !tree.is_directory {
        return take(tree);
    }
    let failed = SandboxError::at("looking at a directory that has something denied or protected in it");
    let entries = Dir::read_from(&open_directory(tree.handle.as_fd()).map_err(&failed)?).map_err(&failed)?;
    for entry in entries {
        let entry = entry.map_err(&failed)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let child = path.join(name);
        if matches!(name.as_bytes(), b"." | b"..") || below.contains(&child) {
            continue;
        }
        // Gone meanwhile, or a link: no rule is needed.
        let Ok(handle) = open_path(tree.handle.as_fd(), name) else { continue };
        let kind = kind_of(&handle).map_err(&failed)?;
        if !kind.is_symlink() {
            divide(&child, Tree { handle, is_directory: kind.is_dir() }, &below, take)?;
        }
    }
    Ok(())
}

fn open_path(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

fn open_directory(handle: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(handle, c".", flags, Mode::empty())
}

fn kind_of(handle: &OwnedFd) -> Result<FileType, Errno> {
    rustix::fs::fstat(handle).map(|stat| FileType::from_raw_mode(stat.st_mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_without(root: &Path, cut: &[PathBuf]) -> Vec<PathBuf> {
        use std::os::fd::AsRawFd;
        let mut paths = Vec::new();
        trees_without(root, cut, &mut |tree| {
            paths.push(std::fs::read_link(format!("/proc/self/fd/{}", tree.handle.as_raw_fd())).unwrap());
            Ok(())
        })
        .unwrap();
        paths.sort();
        paths
    }

    #[test]
    fn what_is_left_of_a_tree_are_the_siblings_on_the_way_to_what_was_cut_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        for name in ["a/b/c", "a/other", "z"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::write(root.join("a/b/file"), "").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("a/link")).unwrap();
        let left = |cut: &[&str]| {
            let cut: Vec<PathBuf> = cut.iter().map(|name| root.join(name)).collect();
            paths_without(&root, &cut)
        };
        let named = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();
        assert_eq!(left(&[]), std::slice::from_ref(&root));
        assert_eq!(left(&["missing"]), named(&["a", "z"]));
        assert_eq!(left(&["a/b/c"]), named(&["a/b/file", "a/other", "z"]));
        assert_eq!(left(&["a"]), named(&["z"]));
        assert_eq!(left(&[""]), named(&[]));
    }
}
