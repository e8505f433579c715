//! What a session begins with: who it is, what is in force, and which keys it has taken.

use std::path::{Path, PathBuf};

use codex_task_config::{Environment, Settings, sha256_hex};
use codex_task_providers::{KeySource, ProviderRegistry};
use codex_task_tools::Rights;
use serde_json::{Value, json};

use super::fields::object;
use super::line::Fields;
use super::redact::Redactor;

/// See the module.
#[derive(Clone, Debug)]
pub struct SessionOpening {
    cwd: PathBuf,
    files: Vec<PathBuf>,
    rights: Rights,
    providers: Vec<Taken>,
}

/// A provider, and where its key was taken from.
#[derive(Clone, Debug)]
struct Taken {
    provider: String,
    variable: Option<String>,
}

impl SessionOpening {
    /// A session with these settings, from these files.
    pub fn new(
        environment: &Environment,
        files: &[PathBuf],
        rights: &Rights,
        providers: &ProviderRegistry,
    ) -> Self {
        let providers = providers.iter().map(|(name, provider)| Taken {
            provider: name.to_string(),
            variable: match &provider.key {
                KeySource::Variable(variable) => Some(variable.clone()),
                KeySource::Absent => None,
            },
        });
        Self {
            cwd: environment.cwd().to_owned(),
            files: files.to_vec(),
            rights: rights.clone(),
            providers: providers.collect(),
        }
    }

    /// The variables that hold keys in use.
    pub(super) fn keys(&self) -> Vec<String> {
        self.providers.iter().filter_map(|taken| taken.variable.clone()).collect()
    }

    /// The first lines of the session.
    pub(super) fn lines(&self, settings: &Settings, redactor: &Redactor) -> Vec<(&'static str, Fields)> {
        let session = json!({
            "program": "codex-task",
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "cwd": self.cwd.display().to_string(),
        });
        let files: Vec<Value> = self.files.iter().map(|path| file(path)).collect();
        let providers: Vec<&str> = self.providers.iter().map(|taken| taken.provider.as_str()).collect();
        let config = json!({
            "files": files,
            "permission_mode": self.rights.mode().as_str(),
            "sandbox": settings.permissions.sandbox.to_string(),
            "rules": self.rights.rules().count(),
            "rights_sha256": self.rights.sha256(),
            "is_broken": self.rights.broken().is_some(),
            "max_depth": settings.limits.max_depth,
            "max_concurrent": settings.limits.max_concurrent,
            "strict_agents": settings.strict_agents,
            "providers": providers,
        });
        let secrets = self.providers.iter().filter_map(|taken| {
            let name = redactor.shown(taken.variable.as_deref()?);
            Some(("secret_access", object(json!({ "name": name, "provider": taken.provider }))))
        });
        [("session", object(session)), ("config", object(config))].into_iter().chain(secrets).collect()
    }
}

/// A settings file as it is now: a moment ago it was read.
fn file(path: &Path) -> Value {
    let hash = std::fs::read(path).ok().map(sha256_hex);
    json!({ "path": path.display().to_string(), "sha256": hash })
}
