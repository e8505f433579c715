//! What a command may reach, as data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_task_config::SandboxMode;

use super::DeniedReads;
use crate::Session;
use crate::path::DeniedPaths;
use crate::repository::Repository;

/// Submodules whose `.git` is held in place; each costs a mount.
const SUBMODULES_MAX: usize = 1_000;

/// Whether a command may open connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkAccess {
    /// No socket of any kind.
    #[default]
    Denied,
    /// Internet sockets. Unix sockets stay closed: behind them stand daemons that run as root.
    Allowed,
}

/// What a command may reach. Immutable, computed once; cheap to clone.
#[derive(Clone, Debug)]
pub struct SandboxPolicy {
    mode: SandboxMode,
    network: NetworkAccess,
    roots: Arc<[PathBuf]>,
    configured: Arc<[PathBuf]>,
    denied: DeniedReads,
    unwritable: DeniedPaths,
    kept: Arc<[PathBuf]>,
}

impl SandboxPolicy {
    /// The policy of an agent's session: it writes inside the session's roots as far as `mode` and the user's rules go,
    /// reads neither credentials nor what the rules deny, and has no network.
    pub fn of_session(session: &Session, mode: SandboxMode) -> Self {
        let roots: Vec<PathBuf> = session.guard.roots().map(Path::to_owned).collect();
        let cwd = std::fs::canonicalize(&session.cwd).unwrap_or_else(|_| session.cwd.to_path_buf());
        let denied = DeniedReads::credentials(&session.environment).and_rules(session.guard.denied().clone());
        let repositories: Vec<PathBuf> = roots.iter().chain([&cwd]).cloned().collect();
        Self::new(mode, roots, &cwd, denied)
            .with_unwritable(session.guard.unwritable().clone())
            .keeping_submodules_of(&repositories)
    }

    /// A policy from its parts. `roots` are real paths; `cwd` is where configuration is looked for on the way up.
    pub fn new(
        mode: SandboxMode,
        roots: impl IntoIterator<Item = PathBuf>,
        cwd: &Path,
        denied: DeniedReads,
    ) -> Self {
        let roots = outermost(roots);
        let configured = roots.iter().flat_map(|root| on_the_way(root, cwd)).collect();
        let unwritable = DeniedPaths::default();
        let kept = Arc::default();
        Self {
            mode,
            network: NetworkAccess::Denied,
            roots: roots.into(),
            configured,
            denied,
            unwritable,
            kept,
        }
    }

    /// The same policy with paths that commands do not change, inside the writable roots too.
    #[must_use]
    pub(crate) fn with_unwritable(self, unwritable: DeniedPaths) -> Self {
        Self { unwritable, ..self }
    }

    /// The same policy with what says where the submodules of these repositories are: it stays as it is.
    #[must_use]
    pub(super) fn keeping_submodules_of(self, repositories: &[PathBuf]) -> Self {
        let kept = repositories.iter().flat_map(|directory| submodules(directory)).collect();
        Self { kept, ..self }
    }

    /// The same policy with another answer about the network.
    #[must_use]
    pub fn with_network(self, network: NetworkAccess) -> Self {
        Self { network, ..self }
    }

    /// The same policy in the narrower of two modes.
    #[must_use]
    pub fn narrowed_by(&self, mode: SandboxMode) -> Self {
        Self { mode: self.mode.narrowed_by(mode), ..self.clone() }
    }

    /// How far commands reach.
    pub fn mode(&self) -> SandboxMode {
        self.mode
    }

    /// Whether commands may open connections.
    pub fn network(&self) -> NetworkAccess {
        self.network
    }

    /// Where commands may write, besides their private temporary directory; none lies inside another.
    pub fn writable_roots(&self) -> &[PathBuf] {
        match self.mode {
            SandboxMode::WorkspaceWrite => &self.roots,
            SandboxMode::ReadOnly | SandboxMode::DangerFullAccess => &[],
        }
    }

    /// What commands must not read.
    pub fn denied_reads(&self) -> &DeniedReads {
        &self.denied
    }

    /// What commands must not change, although it is in a writable root.
    pub(super) fn unwritable(&self) -> &DeniedPaths {
        &self.unwritable
    }

    /// The `.git` of each submodule, whether it is there or not: git enters what it names, and does what is said there.
    pub(super) fn kept(&self) -> &[PathBuf] {
        &self.kept
    }

    /// The workspace, the additional directories: searched for what a pattern denies, whether writable or not.
    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The writable directories whose configuration decides what runs next: each root, and from the root that holds
    /// the working directory all directories on the way down to it.
    pub(super) fn configured_directories(&self) -> &[PathBuf] {
        match self.mode {
            SandboxMode::WorkspaceWrite => &self.configured,
            SandboxMode::ReadOnly | SandboxMode::DangerFullAccess => &[],
        }
    }
}

/// The `.git` of each submodule of the repository around a directory.
fn submodules(directory: &Path) -> Vec<PathBuf> {
    let entered = Repository::around(directory).map(|repository| repository.entered());
    let entered = entered.and_then(Result::ok).unwrap_or_default();
    entered.into_iter().take(SUBMODULES_MAX).map(|path| path.join(".git")).collect()
}

/// Drops what lies inside another: a rule for the outer one holds for both, and the inner one could be replaced by a
/// link while it is opened.
fn outermost(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut sorted: Vec<PathBuf> = paths.into_iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in sorted {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}

/// `root` and the directories below it on the way to `cwd`, the root first.
fn on_the_way(root: &Path, cwd: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> =
        cwd.ancestors().take_while(|dir| dir.starts_with(root)).map(Path::to_owned).collect();
    if directories.is_empty() {
        directories.push(root.to_owned());
    }
    directories.reverse();
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: SandboxMode) -> SandboxPolicy {
        let roots = ["/w/b", "/w/a", "/w/a/inner", "/w/a", "/x"].map(PathBuf::from);
        SandboxPolicy::new(mode, roots, Path::new("/w/a/sub/deep"), DeniedReads::default())
    }

    #[test]
    fn roots_inside_other_roots_are_dropped_and_the_way_to_the_working_directory_is_known() {
        let policy = policy(SandboxMode::WorkspaceWrite);
        assert_eq!(policy.writable_roots(), ["/w/a", "/w/b", "/x"].map(PathBuf::from));
        assert_eq!(
            policy.configured_directories(),
            ["/w/a", "/w/a/sub", "/w/a/sub/deep", "/w/b", "/x"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_read_only_policy_writes_nowhere_and_is_never_widened() {
        let narrowed = policy(SandboxMode::WorkspaceWrite).narrowed_by(SandboxMode::ReadOnly);
        assert_eq!(narrowed.writable_roots(), <[PathBuf; 0]>::default());
        assert_eq!(narrowed.narrowed_by(SandboxMode::DangerFullAccess).mode(), SandboxMode::ReadOnly);
        assert_eq!(narrowed.network(), NetworkAccess::Denied);
    }
}
