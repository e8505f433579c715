//! One directory that tools may work in, held open, and openings below it that follow no link.
//!
//! A path reaches this module already free of links. Whoever puts a link in its place meanwhile makes the opening
//! fail, so there is no gap between judging a path and using it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::PathError;

/// Flags of every opening: never inherited by a child, never a controlling terminal, never blocked by a FIFO.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOCTTY).union(OFlags::NONBLOCK);

/// A directory that counts as inside.
#[derive(Debug)]
pub(super) struct Root {
    /// The directory as it was given, absolute and without `..`.
    pub(super) shown: PathBuf,
    /// The directory with links resolved.
    pub(super) real: PathBuf,
    handle: OwnedFd,
}

impl Root {
    /// Opens a root. Later renames of the directory do not move the handle.
    pub(super) fn open(shown: PathBuf) -> Result<Self, PathError> {
        let real = std::fs::canonicalize(&shown).map_err(|error| PathError::from_io(&shown, &error))?;
        let flags = ALWAYS | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let handle = rustix::fs::openat(CWD, &real, flags, Mode::empty())
            .map_err(|errno| PathError::from_errno(&shown, errno))?;
        Ok(Self { shown, real, handle })
    }

    /// The part of a resolved path below this root, if it lies here.
    pub(super) fn relative<'a>(&self, real: &'a Path) -> Option<&'a Path> {
        real.strip_prefix(&self.real).ok()
    }

    /// Opens a file or directory for reading, following no link at all.
    pub(super) fn open_read(&self, relative: &Path) -> Result<File, Errno> {
        open_beneath(self.handle.as_fd(), relative, OFlags::RDONLY).map(File::from)
    }

    /// Opens a directory as a handle to work in.
    pub(super) fn open_dir(&self, relative: &Path) -> Result<OwnedFd, Errno> {
        open_beneath(self.handle.as_fd(), relative, OFlags::RDONLY | OFlags::DIRECTORY)
    }
}

/// Opens `name` in `directory` without following it if it is a link.
pub(super) fn open_child(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, ALWAYS | OFlags::NOFOLLOW | flags, mode)
}

#[cfg(target_os = "linux")]
fn open_beneath(root: BorrowedFd<'_>, relative: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let path = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(root, path, ALWAYS | OFlags::NOFOLLOW | flags, Mode::empty(), resolve) {
        // Kernels before 5.6, and container filters that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => walk_beneath(root, relative, flags),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: BorrowedFd<'_>, relative: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    walk_beneath(root, relative, flags)
}

/// The same by hand: one `openat` with `O_NOFOLLOW` for each name on the path.
fn walk_beneath(root: BorrowedFd<'_>, relative: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut directory: Option<OwnedFd> = None;
    let mut names = relative.components().peekable();
    while let Some(component) = names.next() {
        let Component::Normal(name) = component else { return Err(Errno::XDEV) };
        let here = directory.as_ref().map_or(root, AsFd::as_fd);
        let step = if names.peek().is_some() { OFlags::RDONLY | OFlags::DIRECTORY } else { flags };
        let next = open_child(here, name, step, Mode::empty()).map_err(|errno| link_or(here, name, errno))?;
        if names.peek().is_none() {
            return Ok(next);
        }
        directory = Some(next);
    }
    open_child(root, OsStr::new("."), flags, Mode::empty())
}

/// `O_DIRECTORY | O_NOFOLLOW` says "not a directory" of a link; `openat2` says "link". Say the same here.
fn link_or(directory: BorrowedFd<'_>, name: &OsStr, errno: Errno) -> Errno {
    let is_link = rustix::fs::statat(directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink());
    if is_link { Errno::LOOP } else { errno }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_by_hand_opens_and_refuses_the_same_as_the_kernel() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("in")).unwrap();
        std::os::unix::fs::symlink("a/b/file", dir.path().join("link")).unwrap();
        let root = Root::open(dir.path().to_owned()).unwrap();
        let verdict = |opened: Result<OwnedFd, Errno>| opened.map(|_| ());
        for (path, expected) in [
            ("a/b/file", Ok(())),
            ("a/b", Ok(())),
            ("", Ok(())),
            ("out/passwd", Err(Errno::LOOP)),
            ("in/b/file", Err(Errno::LOOP)),
            ("link", Err(Errno::LOOP)),
            ("a/../a/b/file", Err(Errno::XDEV)),
            ("../x", Err(Errno::XDEV)),
            ("a/missing", Err(Errno::NOENT)),
        ] {
            let by_hand = walk_beneath(root.handle.as_fd(), Path::new(path), OFlags::RDONLY);
            assert_eq!(verdict(by_hand), expected, "{path}");
            // The kernel resolves `a/..` below the root; such paths never reach it, because they were normalised.
            if !path.starts_with("a/..") {
                let by_kernel = open_beneath(root.handle.as_fd(), Path::new(path), OFlags::RDONLY);
                assert_eq!(verdict(by_kernel), expected, "{path}");
            }
        }
    }
}
