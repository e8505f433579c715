//! The protected files that are there, and the git directories that stand behind them.

use std::fs::{File, FileType};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::path::{Protection, normalised};

/// Bytes of a `.git` or `commondir` file that are read: a path and a few words.
const POINTER_BYTES_MAX: u64 = 8 * 1024;

/// Something protected that a command finds in a writable directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProtectedEntry {
    pub(super) path: PathBuf,
    /// A link cannot be held in place by a mount.
    pub(super) is_link: bool,
}

/// Whether a name that appears in a directory where configuration is looked for is protected.
pub(super) fn is_protected(name: &Path) -> bool {
    Protection::of(name) != Protection::None
}

/// All protected entries of these directories, and the git directories that `.git` files among them lead to.
pub(super) fn protected_entries(directories: &[PathBuf]) -> Vec<ProtectedEntry> {
    let mut found = Vec::new();
    for directory in directories {
        if found.iter().any(|entry: &ProtectedEntry| directory.starts_with(&entry.path)) {
            continue;
        }
        for (path, kind) in children(directory) {
            if path.file_name().is_some_and(|name| is_protected(Path::new(name))) {
                if kind.is_file() && path.ends_with(".git") {
                    found.extend(git_directories(&path).into_iter().map(ProtectedEntry::at));
                }
                if kind.is_symlink() {
                    found.extend(std::fs::canonicalize(&path).ok().map(ProtectedEntry::at));
                }
                found.push(ProtectedEntry { path, is_link: kind.is_symlink() });
            }
        }
    }
    found
}

impl ProtectedEntry {
    /// What is at a path, and what it leads to where it is a link.
    pub(super) fn found_at(path: &Path) -> Vec<Self> {
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let target = std::fs::canonicalize(path).ok().filter(|_| is_link).map(Self::at);
        target.into_iter().chain([Self { path: path.to_owned(), is_link }]).collect()
    }

    fn at(path: PathBuf) -> Self {
        Self { path, is_link: false }
    }
}

/// A directory that cannot be read has nothing that a command could reach through it either.
fn children(directory: &Path) -> impl Iterator<Item = (PathBuf, FileType)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)))
}

/// Where the `.git` file of a worktree or submodule leads: its own git directory and the common one.
pub(crate) fn git_directories(pointer: &Path) -> Vec<PathBuf> {
    let Some(git_dir) = pointed_to(pointer, "gitdir:") else { return Vec::new() };
    let common = pointed_to(&git_dir.join("commondir"), "");
    [Some(git_dir), common]
        .into_iter()
        .flatten()
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .collect()
}

/// The path that a small file holds after `prefix`, relative to the file's directory.
fn pointed_to(file: &Path, prefix: &str) -> Option<PathBuf> {
    // A FIFO in its place must not hold us up.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = File::from(rustix::fs::open(file, flags, Mode::empty()).ok()?);
    let mut text = String::new();
    opened.take(POINTER_BYTES_MAX).read_to_string(&mut text).ok()?;
    let path = text.strip_prefix(prefix)?.trim();
    Some(normalised(&file.parent()?.join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_protected_is_found_with_the_git_directories_behind_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(dir.path()).expect("a path");
        std::fs::create_dir_all(root.join(".bare/worktrees/w")).expect("folders");
        std::fs::create_dir_all(root.join(".vscode")).expect("a folder");
        std::fs::create_dir_all(root.join("src")).expect("a folder");
        std::fs::write(root.join(".git"), "gitdir: ./.bare/worktrees/w\n").expect("a file");
        std::fs::write(root.join(".bare/worktrees/w/commondir"), "../..\n").expect("a file");
        std::fs::write(root.join("README.md"), "").expect("a file");
        std::os::unix::fs::symlink("/nowhere", root.join(".mcp.json")).expect("a link");
        let mut found = protected_entries(std::slice::from_ref(&root));
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let expected = [
            (".bare", false),
            (".bare/worktrees/w", false),
            (".git", false),
            (".mcp.json", true),
            (".vscode", false),
        ];
        let entry = |(name, is_link): (&str, bool)| ProtectedEntry { path: root.join(name), is_link };
        assert_eq!(found, expected.map(entry));
    }

    #[test]
    fn directories_inside_something_protected_are_not_looked_into() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().to_owned();
        std::fs::create_dir_all(root.join(".claude/agents/.git")).expect("folders");
        let way = [root.clone(), root.join(".claude"), root.join(".claude/agents")];
        assert_eq!(protected_entries(&way), [ProtectedEntry::at(root.join(".claude"))]);
    }
}
