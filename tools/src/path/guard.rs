//! Judges paths and opens them.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FileType;

use super::root::Root;
use super::{DeniedPaths, PathError, Protection, WriteTarget};

/// Trees in which reading has effects or leads out of every root, whatever the roots are.
const KERNEL_TREES: &[&str] = &["/proc", "/sys", "/dev"];

/// A path that was judged to be inside: as written and as it really is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolvedPath {
    /// Absolute, `.` and `..` taken out by text, links as written: what is shown.
    pub shown: PathBuf,
    /// Links resolved; the end may not exist yet.
    pub real: PathBuf,
}

/// Opens the files of one session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PathGuard {
    roots: Arc<[Root]>,
    cwd: Arc<Path>,
    home: Option<Arc<Path>>,
    denied: DeniedPaths,
    unwritable: DeniedPaths,
}

impl PathGuard {
    /// Opens the roots: the workspace first, then the additional directories. Those that do not exist are left out.
    ///
    /// # Errors
    /// [`PathError`] when the workspace is no directory, or the working directory lies outside all roots.
    pub fn open(
        workspace: &Path,
        additional_directories: &[PathBuf],
        cwd: &Path,
        home: Option<&Path>,
    ) -> Result<Self, PathError> {
        let mut roots = vec![Root::open(normalised(workspace))?];
        for directory in additional_directories {
            let shown = normalised(&expanded(directory, workspace, home)?);
            match Root::open(shown) {
                Ok(root) => roots.push(root),
                Err(error) => tracing::warn!(%error, "additional directory left out"),
            }
        }
        let cwd: Arc<Path> = normalised(cwd).into();
        let guard = Self {
            roots: roots.into(),
            cwd,
            home: home.map(Arc::from),
            denied: DeniedPaths::default(),
            unwritable: DeniedPaths::default(),
        };
        guard.resolve_dir(Path::new("."))?;
        Ok(guard)
    }

    /// The same roots with paths that no opening may reach, and others that none may change.
    #[must_use]
    pub(crate) fn denying(&self, denied: DeniedPaths, unwritable: DeniedPaths) -> Self {
        Self { denied, unwritable, ..self.clone() }
    }

    /// The paths that no opening may change.
    pub(crate) fn unwritable(&self) -> &DeniedPaths {
        &self.unwritable
    }

    /// The paths that no opening may reach.
    pub(crate) fn denied(&self) -> &DeniedPaths {
        &self.denied
    }

    /// The same roots seen from another working directory, not checked to exist.
    #[must_use]
    pub(crate) fn seen_from(&self, cwd: &Path) -> Self {
        Self { cwd: cwd.into(), ..self.clone() }
    }

    /// The session's working directory.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The real directories that count as inside, the workspace first.
    pub fn roots(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(|root| root.real.as_path())
    }

    /// Makes what a model wrote absolute: against the working directory, with `~` and `~/` expanded. Judges nothing.
    ///
    /// # Errors
    /// [`PathError`] for an empty path, a NUL byte or `~user`.
    pub fn absolute(&self, path: &Path) -> Result<PathBuf, PathError> {
        Ok(normalised(&expanded(path, &self.cwd, self.home.as_deref())?))
    }

    /// Judges a path that may or may not exist: both as written and as it really is it lies inside.
    ///
    /// `..` is taken out by text before links are followed, as Claude Code does.
    ///
    /// # Errors
    /// [`PathError`] when it does not.
    pub fn resolve(&self, path: &Path) -> Result<ResolvedPath, PathError> {
        let shown = self.absolute(path)?;
        if !self.roots.iter().any(|root| shown.starts_with(&root.shown) || shown.starts_with(&root.real)) {
            return Err(PathError::Outside(shown));
        }
        let (existing, missing) = real_part(&shown)?;
        let real = missing.iter().fold(existing, |path, name| path.join(name));
        if self.root_of(&real).is_none() {
            return Err(PathError::LinkLeaves(shown));
        }
        if self.in_kernel_tree(&shown) || self.in_kernel_tree(&real) {
            return Err(PathError::Outside(shown));
        }
        Ok(ResolvedPath { shown, real })
    }

    /// Judges a directory that exists, for listing and searching below it.
    ///
    /// # Errors
    /// [`PathError`] when the path is outside, denied, missing or no directory.
    pub fn resolve_dir(&self, path: &Path) -> Result<ResolvedPath, PathError> {
        let resolved = self.resolve(path)?;
        self.refuse_denied(&resolved)?;
        let (root, relative) = self.located(&resolved)?;
        root.open_dir(relative).map_err(|errno| changed_or(&resolved.shown, errno))?;
        Ok(resolved)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// [`PathError`] when the path is outside, denied, missing, or anything but a regular file.
    pub fn open_read(&self, path: &Path) -> Result<(File, ResolvedPath), PathError> {
        let resolved = self.resolve(path)?;
        self.refuse_denied(&resolved)?;
        let (root, relative) = self.located(&resolved)?;
        let file = root.open_read(relative).map_err(|errno| changed_or(&resolved.shown, errno))?;
        regular(&file, &resolved.shown)?;
        Ok((file, resolved))
    }

    /// Opens a file that a walk found below the `real` path of a directory from [`Self::resolve_dir`]. No link is
    /// followed, so that nothing found on the way leads outside.
    ///
    /// # Errors
    /// [`PathError`] as for [`Self::open_read`]; a link is [`PathError::Changed`].
    pub fn open_found(&self, real: &Path) -> Result<File, PathError> {
        if !self.may_read(real) {
            return Err(PathError::Denied(real.to_owned()));
        }
        let (root, relative) = self.root_of(real).ok_or_else(|| PathError::Outside(real.to_owned()))?;
        let file = root.open_read(relative).map_err(|errno| changed_or(real, errno))?;
        regular(&file, real)?;
        Ok(file)
    }

    /// Whether no deny rule names this path: what listing and searching leave out of their results.
    pub fn may_read(&self, real: &Path) -> bool {
        !self.denied.covers(real)
    }

    /// Prepares the replacement or creation of a file. Nothing changes before [`WriteTarget::replace`].
    ///
    /// # Errors
    /// [`PathError`] when the path is outside, denied, protected, or exists as anything but a regular file.
    pub fn create_for_write(&self, path: &Path) -> Result<WriteTarget, PathError> {
        let resolved = self.resolve(path)?;
        self.refuse_denied(&resolved)?;
        if self.unwritable.covers_either(&resolved) {
            return Err(PathError::Denied(resolved.shown));
        }
        if self.protection(&resolved) == Protection::Never {
            return Err(PathError::Protected(resolved.shown));
        }
        let (root, relative) = self.located(&resolved)?;
        WriteTarget::prepare(root, relative, resolved.clone())
    }

    /// How a path is protected against writing, judged as written and as it really is.
    pub fn protection(&self, path: &ResolvedPath) -> Protection {
        let below = |path: &Path| {
            self.roots
                .iter()
                .filter_map(|root| {
                    path.strip_prefix(&root.shown).or_else(|_| path.strip_prefix(&root.real)).ok()
                })
                .map(Protection::of)
                .max()
                .unwrap_or(Protection::None)
        };
        below(&path.shown).max(below(&path.real))
    }

    /// Whether no link lies on the way below the root.
    pub(crate) fn is_plain(&self, path: &ResolvedPath) -> bool {
        let below = |path: &Path, root: fn(&Root) -> &Path| {
            self.roots.iter().find_map(|each| path.strip_prefix(root(each)).ok().map(Path::to_owned))
        };
        let real = below(&path.real, |root| &root.real);
        real.is_some() && (real == below(&path.shown, |root| &root.shown) || path.shown == path.real)
    }

    fn refuse_denied(&self, path: &ResolvedPath) -> Result<(), PathError> {
        if self.denied.covers_either(path) { Err(PathError::Denied(path.shown.clone())) } else { Ok(()) }
    }

    fn root_of<'a>(&self, real: &'a Path) -> Option<(&Root, &'a Path)> {
        self.roots.iter().find_map(|root| root.relative(real).map(|relative| (root, relative)))
    }

    fn located<'a>(&self, path: &'a ResolvedPath) -> Result<(&Root, &'a Path), PathError> {
        self.root_of(&path.real).ok_or_else(|| PathError::LinkLeaves(path.shown.clone()))
    }

    /// A root that is itself in such a tree (a test below `/dev/shm`) stays usable.
    fn in_kernel_tree(&self, path: &Path) -> bool {
        KERNEL_TREES
            .iter()
            .any(|tree| path.starts_with(tree) && !self.roots.iter().any(|root| root.real.starts_with(tree)))
    }
}

/// Takes out `.` and `..` by text. `..` at the top stays at the top.
pub(crate) fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn expanded(path: &Path, cwd: &Path, home: Option<&Path>) -> Result<PathBuf, PathError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() {
        return Err(PathError::Empty);
    }
    if bytes.contains(&0) {
        return Err(PathError::Nul);
    }
    match path.strip_prefix("~") {
        Ok(rest) => home.map(|home| home.join(rest)).ok_or_else(|| PathError::OtherHome(path.to_owned())),
        Err(_) if bytes.starts_with(b"~") && bytes.contains(&b'/') => {
            Err(PathError::OtherHome(path.to_owned()))
        }
        Err(_) => Ok(cwd.join(path)),
    }
}

/// Resolves the links of the part that exists, and gives the names after it.
fn real_part(shown: &Path) -> Result<(PathBuf, Vec<OsString>), PathError> {
    let mut existing = shown.to_owned();
    let mut missing = Vec::new();
    loop {
        match std::fs::canonicalize(&existing) {
            Ok(real) => {
                missing.reverse();
                return Ok((real, missing));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Something that is there and yet not found is a link to nothing: writing through it would create
                // its target, so it is refused.
                if std::fs::symlink_metadata(&existing).is_ok() {
                    return Err(PathError::DanglingLink(shown.to_owned()));
                }
                let Some(name) = existing.file_name().map(OsString::from) else {
                    return Err(PathError::NotFound(shown.to_owned()));
                };
                missing.push(name);
                existing.pop();
            }
            Err(error) => return Err(PathError::from_io(shown, &error)),
        }
    }
}

/// A link where none was a moment ago means that somebody swapped it in.
fn changed_or(path: &Path, errno: rustix::io::Errno) -> PathError {
    match errno {
        rustix::io::Errno::LOOP | rustix::io::Errno::XDEV => PathError::Changed(path.to_owned()),
        other => PathError::from_errno(path, other),
    }
}

fn regular(file: &File, path: &Path) -> Result<(), PathError> {
    let stat = rustix::fs::fstat(file).map_err(|errno| PathError::from_errno(path, errno))?;
    match kind_of(FileType::from_raw_mode(stat.st_mode)) {
        None => Ok(()),
        Some(kind) => Err(PathError::NotAFile { path: path.to_owned(), kind }),
    }
}

/// What a file is in words, `None` for a regular file.
pub(super) fn kind_of(file_type: FileType) -> Option<&'static str> {
    match file_type {
        FileType::RegularFile => None,
        FileType::Directory => Some("a directory"),
        FileType::Symlink => Some("a link"),
        FileType::Fifo => Some("a pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        FileType::Unknown => Some("of an unknown kind"),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
