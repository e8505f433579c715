//! Finding agent files below one directory: all `*.md`, in the order of their paths, within bounds, without leaving
//! the place that the directory belongs to.

use std::collections::BTreeSet;
use std::fs::{DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::file::unreadable;
use crate::Problem;

/// Files of one directory tree, at most.
const FILES_MAX: usize = 10_000;
/// Directories within each other, at most.
const DEPTH_MAX: usize = 16;
/// Everything that lies in one directory tree, at most.
const ENTRIES_MAX: usize = 100_000;

/// What lies below one directory.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    /// Agent files, in the order of their paths.
    pub(super) files: Vec<PathBuf>,
    /// Files and directories that cannot be read, and why.
    pub(super) broken: Vec<(PathBuf, Problem)>,
    /// The directory itself and those below it, as far as they were read.
    pub(super) directories: Vec<PathBuf>,
}

/// One walk.
struct Walk<'a> {
    found: Discovery,
    /// The repository, or the home directory: links may not lead out of it. Canonical.
    boundary: Option<PathBuf>,
    /// Where links are followed to, once: they may form circles.
    visited: BTreeSet<PathBuf>,
    entries: usize,
    root: &'a Path,
}

impl Discovery {
    /// Looks for agent files below `root`, which need not exist. Links are followed within `boundary` only.
    pub(super) fn below(root: &Path, boundary: &Path) -> Self {
        let mut walk = Walk {
            found: Self::default(),
            boundary: boundary.canonicalize().ok(),
            visited: BTreeSet::new(),
            entries: 0,
            root,
        };
        match root.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && root.symlink_metadata().is_err() => {}
            // `.claude` is a file, for instance.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => walk.broken(root, *unreadable(&error)),
            Ok(metadata) if !metadata.is_dir() => walk.broken(root, Problem::error("is no directory")),
            Ok(_) => match walk.inside(root) {
                Ok(real) => walk.directory(root, &real, /*depth*/ 0),
                Err(problem) => walk.broken(root, *problem),
            },
        }
        walk.found
    }
}

impl Walk<'_> {
    fn broken(&mut self, path: &Path, problem: Problem) {
        self.found.broken.push((path.to_path_buf(), problem.in_file(path)));
    }

    fn file(&mut self, path: &Path) {
        if self.found.files.len() < FILES_MAX {
            self.found.files.push(path.to_path_buf());
        } else {
            self.entries = ENTRIES_MAX;
            self.say_that_it_is_full();
        }
    }

    fn directory(&mut self, path: &Path, real: &Path, depth: usize) {
        if depth > DEPTH_MAX {
            return self.broken(path, Problem::error(format!("lies deeper than {DEPTH_MAX} directories")));
        }
        if !self.visited.insert(real.to_path_buf()) {
            return;
        }
        let entries = match std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>) {
            Ok(mut entries) => {
                entries.sort_by_key(DirEntry::file_name);
                entries
            }
            Err(error) => return self.broken(path, *unreadable(&error)),
        };
        self.found.directories.push(path.to_path_buf());
        for entry in entries {
            if self.entries >= ENTRIES_MAX {
                return self.say_that_it_is_full();
            }
            self.entries += 1;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) => self.entry(&path, kind, &real.join(entry.file_name()), depth),
                Err(error) if is_agent_file(&path) => self.broken(&path, *unreadable(&error)),
                Err(_) => {}
            }
        }
    }

    fn entry(&mut self, path: &Path, kind: FileType, real: &Path, depth: usize) {
        if kind.is_dir() {
            self.directory(path, real, depth + 1);
        } else if kind.is_symlink() {
            self.link(path, depth);
        } else if is_agent_file(path) {
            self.file(path);
        }
    }

    fn link(&mut self, path: &Path, depth: usize) {
        let target = path.metadata();
        let is_dir = target.as_ref().is_ok_and(std::fs::Metadata::is_dir);
        if !is_dir && !is_agent_file(path) {
            return;
        }
        match (target, self.inside(path)) {
            (Err(error), _) => self.broken(path, *unreadable(&error)),
            (_, Err(problem)) => self.broken(path, *problem),
            (Ok(_), Ok(real)) if is_dir => self.directory(path, &real, depth + 1),
            (Ok(_), Ok(_)) => self.file(path),
        }
    }

    /// Where a path really is, if that lies inside the boundary.
    fn inside(&self, path: &Path) -> Result<PathBuf, Box<Problem>> {
        let real = path.canonicalize().map_err(|error| unreadable(&error))?;
        match &self.boundary {
            Some(boundary) if real.starts_with(boundary) => Ok(real),
            Some(boundary) => {
                let message = format!("is a link that leads out of {}", boundary.display());
                Err(Box::new(Problem::error(message).with_help("copy the file instead of linking it")))
            }
            None => Err(Box::new(Problem::error("its place cannot be found"))),
        }
    }

    /// Said once, for the whole tree.
    fn say_that_it_is_full(&mut self) {
        let root = self.root;
        if !self.found.broken.iter().any(|(path, _)| path == root) {
            let message = format!(
                "holds more than {FILES_MAX} agent files or {ENTRIES_MAX} entries: the rest is not read"
            );
            self.broken(root, Problem::error(message));
        }
    }
}

/// `*.md`, in lower case, as in Claude Code.
fn is_agent_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}
