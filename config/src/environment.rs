//! The process environment as a value, so that tests pass their own and nothing reads it twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
const XDG_STATE_HOME: &str = "XDG_STATE_HOME";

/// A snapshot of environment variables, the working directory and the home directory.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<BTreeMap<String, String>>,
    /// Names that the user's own settings give to commands.
    for_commands: Arc<BTreeSet<String>>,
    cwd: Arc<Path>,
}

impl Environment {
    /// The variables that say where our own files are.
    pub const DIRECTORY_VARIABLES: [&str; 2] = [XDG_CONFIG_HOME, XDG_STATE_HOME];

    /// Reads the process environment once. Variables that are not UTF-8 are left out.
    ///
    /// # Errors
    /// When the working directory cannot be read, for instance because it was deleted.
    pub fn from_process() -> std::io::Result<Self> {
        let utf8 =
            |(key, value): (OsString, OsString)| Some((key.into_string().ok()?, value.into_string().ok()?));
        Ok(Self {
            variables: Arc::new(std::env::vars_os().filter_map(utf8).collect()),
            for_commands: Arc::default(),
            cwd: std::env::current_dir()?.into(),
        })
    }

    /// Builds an environment from given variables: for tests and for hosts that keep their own.
    pub fn new<K: Into<String>, V: Into<String>>(
        cwd: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            variables: Arc::new(variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect()),
            for_commands: Arc::default(),
            cwd: cwd.into().into(),
        }
    }

    /// The same variables seen from another working directory.
    #[must_use]
    pub fn with_cwd(&self, cwd: impl Into<PathBuf>) -> Self {
        Self { cwd: cwd.into().into(), ..self.clone() }
    }

    /// The same environment with the names of variables that the user has set for commands: they are passed on to
    /// shells although no list knows them, unless they mark a secret or decide what runs.
    #[must_use]
    pub fn with_names_for_commands(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { for_commands: Arc::new(names.into_iter().collect()), ..self }
    }

    /// Whether the user has set a variable for commands.
    pub fn is_for_commands(&self, name: &str) -> bool {
        self.for_commands.contains(name)
    }

    /// Value of a variable; unset and empty are the same.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables, sorted by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Working directory of the session.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The user's home directory (`HOME`, on Windows `USERPROFILE`).
    pub fn home(&self) -> Option<&Path> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(Path::new)
    }

    /// `$XDG_CONFIG_HOME/codex-task`, by default `~/.config/codex-task`.
    pub fn config_dir(&self) -> Option<PathBuf> {
        self.xdg(XDG_CONFIG_HOME, ".config")
    }

    /// `$XDG_STATE_HOME/codex-task`, by default `~/.local/state/codex-task`: the only place that is written to.
    pub fn state_dir(&self) -> Option<PathBuf> {
        self.xdg(XDG_STATE_HOME, ".local/state")
    }

    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let base = match self.get(variable) {
            Some(dir) if Path::new(dir).is_absolute() => PathBuf::from(dir),
            _ => self.home()?.join(below_home),
        };
        Some(base.join("codex-task"))
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("cwd", &self.cwd)
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("for_commands", &self.for_commands)
            .finish()
    }
}
