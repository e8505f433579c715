//! The repository that a session works in, and the directories on the way to its root.

use std::path::{Path, PathBuf};

/// Directories looked at on the way up; deeper trees are no repositories that people work in.
const DEPTH_MAX: usize = 64;

/// The nearest directory, from `cwd` up, that has a `.git` (a directory, or the file of a worktree).
pub fn repository_root(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors()
        .take(DEPTH_MAX)
        .find(|dir| dir.join(".git").symlink_metadata().is_ok())
        .map(Path::to_path_buf)
}

/// The directory that a session in `cwd` works inside: the root of its repository; outside of one `cwd` itself.
pub fn workspace_root(cwd: &Path) -> PathBuf {
    repository_root(cwd).unwrap_or_else(|| cwd.to_path_buf())
}

/// From `cwd` up to the root of its repository, nearest first; outside of a repository `cwd` alone.
pub fn project_directories(cwd: &Path) -> Vec<PathBuf> {
    match repository_root(cwd) {
        Some(root) => {
            cwd.ancestors().take_while(|dir| dir.starts_with(&root)).map(Path::to_path_buf).collect()
        }
        None => vec![cwd.to_path_buf()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_ends_at_the_repository_and_stays_put_outside_of_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let inner = dir.path().join("repo/pkg/a");
        std::fs::create_dir_all(&inner).expect("folders");
        assert_eq!(project_directories(&inner), std::slice::from_ref(&inner));
        std::fs::create_dir(dir.path().join("repo/.git")).expect("a folder");
        let repo = dir.path().join("repo");
        assert_eq!(project_directories(&inner), [inner.clone(), repo.join("pkg"), repo.clone()]);
        assert_eq!(workspace_root(&inner), repo);
        assert_eq!(repository_root(&inner), Some(repo));
    }
}
