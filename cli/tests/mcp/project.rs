//! A project and a home that nobody else sees, and the environment of a client's child.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use codex_task_tests::{Call, Format, Mock, Reply};
use tempfile::TempDir;
use tokio::time::Instant;

/// A repository in a temporary folder, with a home of its own. Deleted with the last clone.
#[derive(Clone)]
pub(crate) struct Project {
    root: PathBuf,
    variables: Vec<(String, String)>,
    _folder: Arc<TempDir>,
}

impl Project {
    /// An empty repository. Nothing is looked for on this machine's ports.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it exists");
        fs::create_dir_all(root.join("project/.git")).expect("a folder");
        let project = Self { root, variables: Vec::new(), _folder: Arc::new(folder) };
        project.write("home/.config/codex-task/config.yaml", "local: {probe: false}\n");
        let trusted = serde_json::json!({"folders": [project.dir()]}).to_string();
        project.write("home/.local/state/codex-task/trusted_folders.json", &trusted);
        project
    }

    /// The same, with this server as its user's Anthropic.
    pub(crate) fn on(mock: &Mock) -> Self {
        Self::new().variable("ANTHROPIC_BASE_URL", &mock.base_url()).variable("ANTHROPIC_API_KEY", "sk-story")
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes `.claude/agents/NAME.md`.
    pub(crate) fn agent(self, name: &str, frontmatter: &str) -> Self {
        self.write_agent(name, frontmatter);
        self
    }

    /// See [`Project::agent`].
    pub(crate) fn write_agent(&self, name: &str, frontmatter: &str) {
        let text = format!("---\nname: {name}\n{frontmatter}---\nYou are the agent {name}.\n");
        self.write(&format!("project/.claude/agents/{name}.md"), &text);
    }

    /// Writes a file below the folder that holds `project` and `home`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// The repository.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join("project")
    }

    /// The home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The names of the programs that run in the repository, whoever started them.
    pub(crate) fn programs(&self) -> Vec<String> {
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let is_here =
            |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == self.dir());
        let here = processes.filter_map(|entry| Some(entry.ok()?.path())).filter(is_here);
        here.filter_map(|process| Some(fs::read_to_string(process.join("comm")).ok()?.trim().to_owned()))
            .collect()
    }

    /// Whether a program of this name runs in the repository.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.programs().iter().any(|program| program == name)
    }

    /// A command in the repository that sees nothing of this machine but its programs.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.dir()).env_clear().env("HOME", self.home());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The built command.
pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_codex-task"))
}

/// A model that answers each task with what the closure says.
pub(crate) fn model(respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Mock {
    Mock::start(Format::Anthropic, respond)
}

/// The last word of the task that a model call belongs to.
pub(crate) fn task_of(call: &Call) -> String {
    let blocks = call.turns().first().map(|turn| turn["content"].clone()).unwrap_or_default();
    let text = blocks.as_array().and_then(|blocks| blocks.last()).and_then(|block| block["text"].as_str());
    text.unwrap_or_default().to_owned()
}

/// Waits until a condition holds; fails with `what` when it never does.
#[expect(clippy::disallowed_methods, reason = "the story is on a thread of its own")]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(15), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
