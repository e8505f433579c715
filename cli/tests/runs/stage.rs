//! A project whose model is a strict mock server, and the built command in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::park_timeout;
use std::time::Duration;

use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::Value;
use tempfile::TempDir;

/// A command that leaves a line and stays for a while.
pub(crate) const EFFECT: &str = "echo done >> effects; sleep 3";

pub(crate) struct Stage {
    project: TempDir,
    pub(crate) mock: Mock,
}

impl Stage {
    pub(crate) fn new(respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let project = tempfile::tempdir().expect("a folder");
        let stage = Self { project, mock: Mock::start(Format::Anthropic, respond) };
        let agent =
            "---\nname: worker\ndescription: Works\nmodel: mock-model\nprovider: anthropic\n---\nYou work.\n";
        stage.file(".claude/agents/worker.md", agent)
    }

    /// With a file in the project.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("folders");
        fs::write(path, text).expect("a file");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.project.path().join(name)
    }

    /// A program with the command's environment and nothing else.
    pub(crate) fn program(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.project.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home"));
        command.env("ANTHROPIC_API_KEY", "key").env("ANTHROPIC_BASE_URL", self.mock.base_url());
        command
    }

    pub(crate) fn codex_task(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_codex-task"));
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(&self.codex_task(arguments).output().expect("it starts"))
    }

    /// Starts a command whose output nobody reads.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.codex_task(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts")
    }

    /// Waits for what must come.
    pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
        for _ in 0..3_000 {
            if condition() {
                return;
            }
            park_timeout(Duration::from_millis(10));
        }
        panic!("waited in vain until {what}");
    }

    pub(crate) fn effects(&self) -> usize {
        fs::read_to_string(self.path("effects")).unwrap_or_default().lines().count()
    }

    /// The newest run's status and id.
    pub(crate) fn newest(&self) -> (String, String) {
        let (_, out, _) = self.run(&["runs", "list", "--json"]);
        let runs: Value = serde_json::from_str(&out).expect("JSON");
        let text = |key: &str| {
            runs.pointer(&format!("/0/{key}")).and_then(Value::as_str).expect("a text").to_owned()
        };
        (text("status"), text("run_id"))
    }
}

pub(crate) fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
