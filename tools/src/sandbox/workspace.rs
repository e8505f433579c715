//! The paths below the roots that a pattern denies, and the private place of a sandbox.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{DeniedReads, SandboxPolicy};

/// Entries that are looked at for what a pattern denies; a larger tree is searched as far as this.
const ENTRIES_MAX: usize = 20_000;

/// A directory of this process alone: room for a command's temporary files, and nothings to put over what is hidden.
#[derive(Debug)]
pub(super) struct PrivatePlace {
    /// Removed with everything in it when the sandbox is dropped.
    _owner: TempDir,
    /// Where commands write their temporary files.
    pub(super) temporary: PathBuf,
    /// An empty file.
    pub(super) blank: PathBuf,
    /// An empty directory.
    pub(super) void: PathBuf,
    /// Written when it is first needed.
    #[cfg(target_os = "linux")]
    filter: std::sync::OnceLock<Result<PathBuf, super::SandboxError>>,
}

impl PrivatePlace {
    /// Creates the place: mode 0700, a name that nobody can guess.
    pub(super) fn create() -> std::io::Result<Self> {
        let owner = tempfile::Builder::new().prefix("codex-task-").tempdir()?;
        let real = std::fs::canonicalize(owner.path())?;
        let place = Self {
            _owner: owner,
            temporary: real.join("tmp"),
            blank: real.join("blank"),
            void: real.join("void"),
            #[cfg(target_os = "linux")]
            filter: std::sync::OnceLock::new(),
        };
        std::fs::create_dir(&place.temporary)?;
        std::fs::create_dir(&place.void)?;
        std::fs::File::create_new(&place.blank)?;
        Ok(place)
    }

    /// A file with the filter that bubblewrap puts on a command.
    #[cfg(target_os = "linux")]
    pub(super) fn filter(&self) -> Result<&Path, super::SandboxError> {
        let written = self.filter.get_or_init(|| {
            let file = self.blank.with_file_name("filter");
            std::fs::write(&file, super::linux::building_filter()?)
                .map_err(super::SandboxError::at("writing the seccomp filter"))?;
            Ok(file)
        });
        written.as_deref().map_err(Clone::clone)
    }
}

/// All real paths that the policy keeps from reading and that exist.
pub(super) fn denied_paths(policy: &SandboxPolicy) -> Vec<PathBuf> {
    let denied = policy.denied_reads();
    let places = denied.places().iter().filter_map(|place| std::fs::canonicalize(place).ok());
    let mut paths: Vec<PathBuf> = places.flat_map(|place| beside_roots(place, policy.roots())).collect();
    if denied.has_patterns() {
        paths.extend(found_below(policy.roots(), denied));
    }
    paths.sort();
    paths.dedup();
    paths
}

/// Looks through the roots, outer directories first, for what the user's rules deny.
fn found_below(roots: &[PathBuf], denied: &DeniedReads) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting: VecDeque<PathBuf> = roots.iter().cloned().collect();
    let mut seen = 0_usize;
    while let Some(directory) = waiting.pop_front() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            seen += 1;
            if seen > ENTRIES_MAX {
                tracing::warn!(
                    entries_max = ENTRIES_MAX,
                    "the workspace is too large to look for all files that deny rules with wildcards mean"
                );
                return found;
            }
            let path = entry.path();
            if denied.covers(&path) {
                found.extend(real(&path));
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push_back(path);
            }
        }
    }
    found
}

/// A denied directory that holds a root, for instance a worktree among our own files, is denied but for that root.
fn beside_roots(denied: PathBuf, roots: &[PathBuf]) -> Vec<PathBuf> {
    if !roots.iter().any(|root| root.starts_with(&denied) && *root != denied) {
        return vec![denied];
    }
    let entries = std::fs::read_dir(&denied).into_iter().flatten().flatten();
    let others = entries.map(|entry| entry.path()).filter(|path| !roots.contains(path));
    others.flat_map(|path| beside_roots(path, roots)).collect()
}

fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

#[cfg(test)]
mod tests {
    use codex_task_config::{Environment, SandboxMode};

    use super::*;
    use crate::path::{Case, DeniedPaths, PathPattern, PatternBase};

    #[test]
    fn a_root_inside_a_denied_directory_stays_and_its_neighbours_do_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = std::fs::canonicalize(dir.path()).expect("a path");
        let state = home.join(".local/state/codex-task");
        let root = state.join("worktrees/one");
        for name in ["worktrees/one/src", "worktrees/two", "audit"] {
            std::fs::create_dir_all(state.join(name)).expect("folders");
        }
        let environment = Environment::new(&root, [("HOME", home.to_str().expect("UTF-8"))]);
        let denied = DeniedReads::credentials(&environment);
        let policy = SandboxPolicy::new(SandboxMode::WorkspaceWrite, [root.clone()], &root, denied);
        let below = |path: &PathBuf| path.starts_with(&home);
        let found: Vec<PathBuf> = denied_paths(&policy).into_iter().filter(below).collect();
        assert_eq!(found, [state.join("audit"), state.join("worktrees/two")]);
    }

    #[test]
    fn what_patterns_deny_is_found_at_any_depth() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(dir.path()).expect("a path");
        std::fs::create_dir_all(root.join("a/b/secrets")).expect("folders");
        for name in ["a/b/server.pem", "a/b/secrets/key", "a/other"] {
            std::fs::write(root.join(name), "").expect("a file");
        }
        let base = PatternBase { settings: &root, home: None };
        let rules = ["*.pem", "**/secrets/**"];
        let rules = rules.map(|rule| PathPattern::parse(rule, &base, Case::Folded).expect("a pattern"));
        let denied = DeniedReads::default().and_rules(DeniedPaths::new(rules));
        let policy = SandboxPolicy::new(SandboxMode::ReadOnly, [root.clone()], &root, denied);
        assert_eq!(denied_paths(&policy), [root.join("a/b/secrets"), root.join("a/b/server.pem")]);
    }
}
