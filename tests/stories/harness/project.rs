//! A project, a home directory and an environment that nobody else sees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codex_task::Environment;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A repository in a temporary folder, with a home of its own. Deleted when dropped.
pub(crate) struct TestProject {
    root: PathBuf,
    variables: BTreeMap<String, String>,
    _folder: TempDir,
}

impl TestProject {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it exists");
        for directory in ["project/.git", "project/.claude/agents", "home", "config/codex-task", "state"] {
            std::fs::create_dir_all(root.join(directory)).expect("a folder");
        }
        let shown = |directory: &str| root.join(directory).display().to_string();
        let mut variables = BTreeMap::from([
            ("HOME".to_owned(), shown("home")),
            ("XDG_CONFIG_HOME".to_owned(), shown("config")),
            ("XDG_STATE_HOME".to_owned(), shown("state")),
        ]);
        let process = Environment::from_process().expect("a working directory");
        // Shell commands need programs; nothing else of this machine is let in.
        variables.extend(process.get("PATH").map(|path| ("PATH".to_owned(), path.to_owned())));
        let project = Self { root, variables, _folder: folder };
        project.trusted(&[project.dir()]);
        project
    }

    /// Makes the user trust these folders and no others; the project is trusted from the beginning.
    pub(crate) fn trusted(&self, folders: &[PathBuf]) {
        let list = json!({"folders": folders}).to_string();
        write(self.root.join("state/codex-task/trusted_folders.json"), &list);
    }

    /// The repository's root, which is the working directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join("project")
    }

    /// Writes a file below the repository's root.
    pub(crate) fn file(&self, path: impl AsRef<Path>, text: &str) -> PathBuf {
        write(self.dir().join(path), text)
    }

    /// Writes `.claude/agents/NAME.md`.
    pub(crate) fn agent_file(&self, name: &str, text: &str) -> PathBuf {
        self.file(format!(".claude/agents/{name}.md"), text)
    }

    /// Writes the repository's `.claude/settings.json`.
    pub(crate) fn settings(&self, settings: &Value) {
        self.file(".claude/settings.json", &settings.to_string());
    }

    /// Writes the user's `config.yaml`.
    pub(crate) fn user_config(&self, yaml: &str) {
        write(self.root.join("config/codex-task/config.yaml"), yaml);
    }

    /// Sets a variable.
    pub(crate) fn variable(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    /// What a runtime sees of the world.
    pub(crate) fn environment(&self) -> Environment {
        Environment::new(self.dir(), self.variables.clone())
    }
}

fn write(path: PathBuf, text: &str) -> PathBuf {
    std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    path
}
