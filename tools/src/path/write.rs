//! Replaces a file at once or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::guard::kind_of;
use super::root::{Root, open_child};
use super::{PathError, ResolvedPath};

/// How often another name is tried when a temporary file of that name exists.
const NAME_TRIES_MAX: u32 = 16;

/// Makes temporary names differ within this process; `O_EXCL` settles the rest.
static NEXT_NAME: AtomicU64 = AtomicU64::new(0);

/// A file about to be created or replaced. Holds its directory open, so that it lands where it was judged.
#[derive(Debug)]
pub struct WriteTarget {
    path: ResolvedPath,
    /// The deepest directory on the way that exists.
    directory: OwnedFd,
    /// Directories to create below it.
    missing: Vec<OsString>,
    name: OsString,
    existing: Option<(File, Stat)>,
}

impl WriteTarget {
    /// Opens the directory and, where there is one, the file that will be replaced.
    pub(super) fn prepare(root: &Root, relative: &Path, path: ResolvedPath) -> Result<Self, PathError> {
        let fail = |errno| match errno {
            Errno::LOOP | Errno::XDEV => PathError::Changed(path.shown.clone()),
            other => PathError::from_errno(&path.shown, other),
        };
        let mut names: Vec<OsString> =
            relative.components().map(|part| part.as_os_str().to_owned()).collect();
        let Some(name) = names.pop() else {
            return Err(PathError::NotAFile { path: path.shown, kind: "a directory" });
        };
        let (directory, missing) = deepest(root, &names).map_err(fail)?;
        let existing = if missing.is_empty() { open_existing(&directory, &name, &path)? } else { None };
        Ok(Self { path, directory, missing, name, existing })
    }

    /// Where the file will be.
    pub fn path(&self) -> &ResolvedPath {
        &self.path
    }

    /// The file as it is now, open for reading at its beginning; `None` when it will be created.
    pub fn existing(&self) -> Option<&File> {
        self.existing.as_ref().map(|(file, _)| file)
    }

    /// Writes the whole content: a temporary file beside the target, given its mode, then renamed over it. Missing
    /// directories are created. A reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    /// [`PathError`] when the system refuses, or a link was put on the way meanwhile; the old file is then untouched.
    pub fn replace(self, content: &[u8]) -> Result<ResolvedPath, PathError> {
        let fail = |errno| PathError::from_errno(&self.path.shown, errno);
        let mut directory = self.directory;
        for name in &self.missing {
            match rustix::fs::mkdirat(&directory, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(fail(errno)),
            }
            directory =
                open_child(directory.as_fd(), name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
                    .map_err(fail)?;
        }
        let old = self.existing.map(|(_, stat)| stat);
        let (temporary, file) = create_temporary(&directory, old.is_some()).map_err(fail)?;
        let finished = fill(file, content, old.as_ref())
            .and_then(|()| rustix::fs::renameat(&directory, &temporary, &directory, &self.name));
        if let Err(errno) = finished {
            // The first failure is the one to report; the temporary file may be gone already.
            let _ = rustix::fs::unlinkat(&directory, &temporary, AtFlags::empty());
            return Err(fail(errno));
        }
        Ok(self.path)
    }
}

/// Walks down as far as directories exist.
fn deepest(root: &Root, names: &[OsString]) -> Result<(OwnedFd, Vec<OsString>), Errno> {
    let mut directory = root.open_dir(Path::new(""))?;
    for (index, name) in names.iter().enumerate() {
        if !matches!(Path::new(name).components().next(), Some(Component::Normal(_))) {
            return Err(Errno::XDEV);
        }
        match open_child(directory.as_fd(), name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(next) => directory = next,
            Err(Errno::NOENT) => return Ok((directory, names.iter().skip(index).cloned().collect())),
            Err(errno) => return Err(errno),
        }
    }
    Ok((directory, Vec::new()))
}

fn open_existing(
    directory: &OwnedFd,
    name: &OsString,
    path: &ResolvedPath,
) -> Result<Option<(File, Stat)>, PathError> {
    let fail = |errno| PathError::from_errno(&path.shown, errno);
    let opened = match open_child(directory.as_fd(), name, OFlags::RDONLY, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(PathError::Changed(path.shown.clone())),
        other => other.map_err(fail)?,
    };
    let stat = rustix::fs::fstat(&opened).map_err(fail)?;
    match kind_of(FileType::from_raw_mode(stat.st_mode)) {
        None => Ok(Some((File::from(opened), stat))),
        Some(kind) => Err(PathError::NotAFile { path: path.shown.clone(), kind }),
    }
}

/// A replacement is private until it has the old mode; a new file gets what the user's umask leaves.
fn create_temporary(directory: &OwnedFd, replaces: bool) -> Result<(OsString, File), Errno> {
    let mode = Mode::from_raw_mode(if replaces { 0o600 } else { 0o666 });
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let mut tries = 0;
    loop {
        let number = NEXT_NAME.fetch_add(1, Ordering::Relaxed);
        let name = OsString::from(format!(".codex-task-{}-{number}.tmp", std::process::id()));
        match open_child(directory.as_fd(), &name, flags, mode) {
            Ok(handle) => return Ok((name, File::from(handle))),
            Err(Errno::EXIST) if tries < NAME_TRIES_MAX => tries += 1,
            Err(errno) => return Err(errno),
        }
    }
}

fn fill(mut file: File, content: &[u8], old: Option<&Stat>) -> Result<(), Errno> {
    file.write_all(content).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let Some(old) = old else { return Ok(()) };
    let new = rustix::fs::fstat(&file)?;
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid) {
        let (owner, group) = (rustix::fs::Uid::from_raw(old.st_uid), rustix::fs::Gid::from_raw(old.st_gid));
        // Only root can give a file away; for everybody else the new file is theirs, as with any editor.
        let _ = rustix::fs::fchown(&file, Some(owner), Some(group));
    }
    // New content never inherits set-user-id.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(old.st_mode & 0o777))
}
