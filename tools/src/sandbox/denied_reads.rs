//! What a sandboxed command must not read: credentials, and what the user's rules deny.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_task_config::Environment;

use crate::path::DeniedPaths;

/// Where credentials lie below a home directory. Reading one is never needed to build, test or search.
const BELOW_HOME: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".boto",
    ".s3cfg",
    ".vault-token",
    ".git-credentials",
    ".password-store",
    ".bash_history",
    ".zsh_history",
    ".mozilla",
    ".docker/config.json",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".claude.json",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/google-chrome",
    ".config/chromium",
    ".config/op",
    ".config/rclone",
    ".config/containers/auth.json",
    ".local/share/keyrings",
    ".terraform.d/credentials.tfrc.json",
];

/// What root alone can read, and a command that happens to run as root need not.
const OF_ROOT: &[&str] = &["/etc/shadow", "/etc/gshadow", "/etc/ssl/private"];

/// Paths that a command cannot read: fixed places and the patterns of the user's deny rules.
#[derive(Clone, Debug, Default)]
pub struct DeniedReads {
    places: Arc<[PathBuf]>,
    patterns: DeniedPaths,
}

impl DeniedReads {
    /// The usual places of credentials in this environment, those of codex-task included.
    pub fn credentials(environment: &Environment) -> Self {
        let home = environment.home().into_iter();
        let below_home = home.flat_map(|home| BELOW_HOME.iter().map(|place| home.join(place)));
        let of_root = OF_ROOT.iter().map(PathBuf::from).filter(|_| rustix::process::geteuid().is_root());
        Self {
            places: below_home.chain(environment.state_dir()).chain(of_root).collect(),
            patterns: DeniedPaths::default(),
        }
    }

    /// The same with further places.
    #[must_use]
    pub fn and_places(self, places: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { places: self.places.iter().cloned().chain(places).collect(), ..self }
    }

    /// The same with what the user's rules deny.
    pub(crate) fn and_rules(self, patterns: DeniedPaths) -> Self {
        let places: Vec<PathBuf> = patterns.places().map(Path::to_owned).collect();
        Self { patterns, ..self.and_places(places) }
    }

    /// Single files and whole directories; they need not exist.
    pub(super) fn places(&self) -> &[PathBuf] {
        &self.places
    }

    /// Whether paths have to be looked for in the writable roots, because a rule is no single place.
    pub(super) fn has_patterns(&self) -> bool {
        self.patterns.has_globs()
    }

    /// Whether the user's rules deny a path that was found.
    pub(super) fn covers(&self, path: &Path) -> bool {
        self.patterns.covers(path)
    }
}
