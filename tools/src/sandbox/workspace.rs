//! What the user's rules mean in the file system at this moment.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{SandboxError, SandboxPolicy};

/// Entries that are looked at for what a pattern means. In a larger tree no command begins: it would reach what was not
/// found.
pub(super) const ENTRIES_MAX: usize = 1_000_000;

/// What the rules of a policy mean at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// Real paths that commands must not read.
    pub(super) denied: Vec<PathBuf>,
    /// Paths in the writable roots that commands must not change; a link stands for itself.
    pub(super) unwritable: Vec<PathBuf>,
}

/// What of [`Meant::unwritable`] was found, and why that may not be all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) unwritable: Vec<PathBuf>,
    pub(super) unseen: Option<SandboxError>,
}

/// Looks for everything that exists and that the policy keeps from reading or changing. It walks through the workspace
/// where rules have wildcards: once for each command, before it begins.
///
/// # Errors
/// [`SandboxError::TooManyFiles`] when rules have wildcards and there is more to look at than one command may cost.
pub(super) fn meant(policy: &SandboxPolicy) -> Result<Meant, SandboxError> {
    let reads = policy.denied_reads();
    let places = reads.places().iter().filter_map(|place| real(place));
    let mut meant = Meant {
        denied: places.flat_map(|place| beside_roots(place, policy.roots())).collect(),
        unwritable: unwritable_places(policy).filter(|place| place.symlink_metadata().is_ok()).collect(),
    };
    if reads.has_patterns() || writes_have_patterns(policy) {
        search(policy, ENTRIES_MAX, &mut meant)?;
    }
    for paths in [&mut meant.denied, &mut meant.unwritable] {
        paths.sort();
        paths.dedup();
    }
    Ok(meant)
}

/// Looks once more for what wildcards keep from changing, when a command has ended. What it left may be larger than what
/// it found; then the outer directories have been looked at, and that it is not all is said.
pub(super) fn found_unwritable(policy: &SandboxPolicy, entries_max: usize) -> Found {
    let mut meant = Meant::default();
    let unseen = search(policy, entries_max, &mut meant).err();
    Found { unwritable: meant.unwritable, unseen }
}

/// The places in the writable roots that must not change and are not there, so that they must not appear.
pub(super) fn absent_unwritable(policy: &SandboxPolicy) -> Vec<PathBuf> {
    unwritable_places(policy).filter(|place| place.symlink_metadata().is_err()).collect()
}

/// Whether what must not change has to be looked for.
pub(super) fn writes_have_patterns(policy: &SandboxPolicy) -> bool {
    !policy.writable_roots().is_empty() && policy.unwritable().has_globs()
}

/// The places that must not change, as the real paths of the writable roots name them.
fn unwritable_places(policy: &SandboxPolicy) -> impl Iterator<Item = PathBuf> {
    let kept = policy.kept().iter().map(PathBuf::as_path);
    let named = policy.unwritable().places().chain(kept).map(|place| {
        let parent = place.parent().and_then(real).zip(place.file_name());
        parent.map_or_else(|| place.to_owned(), |(parent, name)| parent.join(name))
    });
    named.filter(|place| policy.writable_roots().iter().any(|root| place.starts_with(root) && place != root))
}

/// Looks through the roots, outer directories first.
fn search(policy: &SandboxPolicy, entries_max: usize, meant: &mut Meant) -> Result<(), SandboxError> {
    let (reads, writes) = (policy.denied_reads(), policy.unwritable());
    let looks_for_writes = writes_have_patterns(policy);
    let mut waiting: VecDeque<PathBuf> = policy.roots().iter().cloned().collect();
    let mut seen = 0_usize;
    while let Some(directory) = waiting.pop_front() {
        let entries = std::fs::read_dir(&directory);
        if entries.as_ref().is_err_and(|error| can_be_opened_later(&directory, error)) {
            meant.denied.extend(reads.has_patterns().then(|| directory.clone()));
            meant.unwritable.extend(looks_for_writes.then_some(directory));
            continue;
        }
        for entry in entries.into_iter().flatten().flatten() {
            seen += 1;
            if seen > entries_max {
                return Err(SandboxError::TooManyFiles(entries_max));
            }
            let path = entry.path();
            let is_unwritable = looks_for_writes && writes.covers(&path);
            if is_unwritable {
                meant.unwritable.push(path.clone());
            }
            if reads.covers(&path) {
                meant.denied.extend(real(&path));
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                // Below what must not change nothing does, but something there may be denied to read.
                if !is_unwritable || reads.has_patterns() {
                    waiting.push_back(path);
                }
            }
        }
    }
    Ok(())
}

/// Whether we could not look into a directory that a command can open for itself, by changing its mode. Nobody knows what
/// is in it, so that it counts as if all of it were meant.
fn can_be_opened_later(directory: &Path, error: &std::io::Error) -> bool {
    let is_ours = |metadata: Metadata| metadata.uid() == rustix::process::geteuid().as_raw();
    error.kind() == ErrorKind::PermissionDenied && directory.symlink_metadata().is_ok_and(is_ours)
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
    use crate::DeniedReads;
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
        let found: Vec<PathBuf> = meant(&policy).unwrap().denied.into_iter().filter(below).collect();
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
        assert_eq!(meant(&policy).unwrap().denied, [root.join("a/b/secrets"), root.join("a/b/server.pem")]);
        let refused = search(&policy, 3, &mut Meant::default());
        assert_eq!(refused, Err(SandboxError::TooManyFiles(3)), "what was not seen would be open");
    }

    #[test]
    fn a_directory_that_only_a_command_would_open_counts_as_meant() {
        use std::os::unix::fs::PermissionsExt as _;
        if rustix::process::geteuid().is_root() {
            println!("not tested: no directory is closed to root");
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(dir.path()).expect("a path");
        let closed = root.join("closed");
        std::fs::create_dir(&closed).expect("a folder");
        let mode = |mode| std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(mode));
        mode(0o000).expect("a mode");
        let base = PatternBase { settings: &root, home: None };
        let rule =
            || DeniedPaths::new([PathPattern::parse("*.pem", &base, Case::Folded).expect("a pattern")]);
        let policy = SandboxPolicy::new(
            SandboxMode::WorkspaceWrite,
            [root.clone()],
            &root,
            DeniedReads::default().and_rules(rule()),
        );
        let meant = meant(&policy.with_unwritable(rule()));
        mode(0o700).expect("a mode");
        let closed = vec![closed];
        assert_eq!(meant, Ok(Meant { denied: closed.clone(), unwritable: closed }));
    }
}
