//! Finding agent files below one directory: all `*.md`, in the order of their paths, within bounds, without leaving
//! the place that the directory belongs to.

use std::collections::BTreeSet;
use std::fs::{DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::file::unreadable;
use crate::Problem;

/// How large a directory tree may be, at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Agent files.
    files: usize,
    /// Directories within each other.
    depth: usize,
    /// Everything that lies in it.
    entries: usize,
}

impl Bounds {
    /// More agents than anybody has, and less than a wrong directory would cost.
    const USUAL: Self = Self { files: 10_000, depth: 16, entries: 100_000 };
}

/// What lies below one directory.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Agent files, in the order of their paths.
    pub(crate) files: Vec<PathBuf>,
    /// Files and directories that cannot be read, and why.
    pub(crate) broken: Vec<(PathBuf, Problem)>,
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
    bounds: Bounds,
    root: &'a Path,
}

impl Discovery {
    /// Looks for agent files below `root`, which need not exist. Links are followed within `boundary` only.
    pub(crate) fn below(root: &Path, boundary: &Path) -> Self {
        Self::below_within(root, boundary, Bounds::USUAL)
    }

    fn below_within(root: &Path, boundary: &Path, bounds: Bounds) -> Self {
        let mut walk = Walk {
            found: Self::default(),
            boundary: boundary.canonicalize().ok(),
            visited: BTreeSet::new(),
            entries: 0,
            bounds,
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
        if self.found.files.len() < self.bounds.files {
            self.found.files.push(path.to_path_buf());
        } else {
            self.entries = self.bounds.entries;
            self.say_that_it_is_full();
        }
    }

    fn directory(&mut self, path: &Path, real: &Path, depth: usize) {
        if depth > self.bounds.depth {
            return self
                .broken(path, Problem::error(format!("lies deeper than {} directories", self.bounds.depth)));
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
            if self.entries >= self.bounds.entries {
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
            let Bounds { files, entries, .. } = self.bounds;
            let message = format!("holds more than {files} agent files or {entries} entries");
            self.broken(root, Problem::error(message).with_help("the rest of it is not read"));
        }
    }
}

/// `*.md`, in lower case, as in Claude Code.
fn is_agent_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_is_too_large_is_read_in_part_and_that_is_said_once() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["a/1.md", "a/2.md", "b/3.md", "b/4.txt", "c/5.md"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, "").expect("a file");
        }
        let walk = |files, entries| {
            let bounds = Bounds { files, entries, depth: 2 };
            let found = Discovery::below_within(dir.path(), dir.path(), bounds);
            (found.files.len(), found.broken.len())
        };
        assert_eq!(walk(4, 100), (4, 0));
        assert_eq!(walk(3, 100), (3, 1));
        assert_eq!(walk(1, 100), (1, 1));
        assert_eq!(walk(100, 8), (4, 0));
        assert_eq!(walk(100, 4), (2, 1));
    }
}
