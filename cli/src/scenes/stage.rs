//! Where scenes are played: a project and a home in a folder of their own, streams in memory, a scripted model.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use codex_task::store::{Recorder, Retention};
use codex_task::{Environment, Runtime, RuntimeBuilder, RuntimeHandle};
use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Scenario, ScriptedBackend};
use codex_task_providers::{ChatBackend, ChatRequest, ChatStream, ModelLimits, ProviderError};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::approve::Keyboard;
use crate::command;
use crate::host::Host;
use crate::interrupt::{Interruption, Interrupts};
use crate::render::testing::Captured;

/// What differs between two runs of the same scene.
const FILTERS: [(&str, &str); 12] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[ID]"),
    // The last digits of a run's id.
    (r"\brun [0-9a-f]{8}\b", "run [RUN]"),
    (r"\bsession [0-9a-f]{8}\b", "session [SESSION]"),
    (r"\btest-runner [0-9a-f]{8}\b", "test-runner [TASK]"),
    // Estimated from the prompt, which changes with every tool's description.
    (r"about [0-9,]+ tokens", "about [N] tokens"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
    (r"\b\d+\.\d+ s\b", "[TIME]"),
    (r"\b\d+ min \d\d s left", "[TIME] left"),
    (r#""(ms|[a-z_]+_ms)":\d+"#, r#""$1":"[MS]""#),
    // As large as SQLite makes it.
    (r"on record, \d+\.\d MB", "on record, [SIZE] MB"),
    // What the system can enforce.
    (r"(?m)^\S+ sandbox: .*\n( .*\n)*", "[SANDBOX]\n"),
    (r"(?m)^Warning: sandbox for commands: .*\n( .*\n)*", ""),
];

/// A project and a home, and who sits before them.
pub(super) struct Stage {
    folder: TempDir,
    variables: Vec<(String, String)>,
    stdin: String,
    backends: Vec<Arc<dyn ChatBackend>>,
    is_terminal: bool,
    /// What is typed, line after line; taken by the first command.
    typed: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
    /// Keeps the keyboard of somebody who says nothing.
    silent: Option<mpsc::UnboundedSender<String>>,
    /// Who presses Ctrl-C; the receiver is taken by the first command.
    keyboard: (mpsc::UnboundedSender<Interruption>, Mutex<Option<mpsc::UnboundedReceiver<Interruption>>>),
}

/// A model whose user presses Ctrl-C so many times when it has begun to write.
struct Impatient {
    model: ScriptedBackend,
    keyboard: mpsc::UnboundedSender<Interruption>,
    times: usize,
}

impl ChatBackend for Impatient {
    fn name(&self) -> &ProviderName {
        self.model.name()
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        Box::pin(async move {
            let stream = self.model.stream(request).await?;
            let (keyboard, times) = (self.keyboard.clone(), self.times);
            // The piece that is seen here has been taken by the agent when the next one is asked for.
            let pressed = stream.enumerate().map(move |(index, event)| {
                if index == 2 {
                    for _ in 0..times {
                        keyboard.send(Interruption::Interrupt).expect("the scene listens");
                    }
                }
                event
            });
            Ok(Box::pin(pressed) as ChatStream)
        })
    }

    fn limits(&self, model: &ModelId) -> Option<ModelLimits> {
        self.model.limits(model)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        self.model.models()
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.model.dropped_parameters(request)
    }
}

/// What came back.
pub(super) struct Played {
    pub(super) exit: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Stage {
    /// An empty repository. Nothing is looked for on the network.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("project/.git")).expect("folders");
        let (keyboard, interruptions) = mpsc::unbounded_channel();
        let stage = Self {
            folder,
            variables: Vec::new(),
            stdin: String::new(),
            backends: Vec::new(),
            is_terminal: false,
            typed: Mutex::new(None),
            silent: None,
            keyboard: (keyboard, Mutex::new(Some(interruptions))),
        };
        stage.trusted(&["project"]).file("codex-task.yaml", "local: {probe: false}\n")
    }

    /// Before a user who trusts these folders and no others.
    pub(super) fn trusted(self, folders: &[&str]) -> Self {
        let root = self.folder.path().canonicalize().expect("it exists");
        let folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
        let list = root.join("home/.local/state/codex-task/trusted_folders.json");
        std::fs::create_dir_all(list.parent().expect("a parent")).expect("folders");
        std::fs::write(list, serde_json::json!({"folders": folders}).to_string()).expect("a file");
        self
    }

    /// With a file in the project.
    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.project().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
        self
    }

    /// With an agent in the project.
    pub(super) fn agent(self, name: &str, frontmatter: &str, prompt: &str) -> Self {
        let text = format!("---\nname: {name}\n{frontmatter}---\n\n{prompt}\n");
        self.file(&format!(".claude/agents/{name}.md"), &text)
    }

    /// With a variable of the environment.
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With something on stdin.
    pub(super) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// With a model that plays a scenario, as the provider `scripted`.
    pub(super) fn model(self, scenario: &str) -> Self {
        self.provider("scripted", scenario)
    }

    /// With a provider that plays a scenario.
    pub(super) fn provider(mut self, name: &str, scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        self.backends.push(Arc::new(ScriptedBackend::new(ProviderName::new(name), scenario)));
        self
    }

    /// At a terminal of so many columns.
    pub(super) fn terminal(mut self, columns: usize) -> Self {
        self.is_terminal = true;
        // Lines that are drawn over go to the real stderr: not here.
        self.variable("COLUMNS", &columns.to_string()).variable("TERM", "dumb")
    }

    /// Before a person who types these lines, one for each question, and then nothing.
    pub(super) fn typing(self, lines: &[&str]) -> Self {
        let (keys, typed) = mpsc::unbounded_channel();
        for line in lines {
            keys.send((*line).to_owned()).expect("it is open");
        }
        *self.typed.lock().expect("no command panicked") = Some(typed);
        self
    }

    /// Before a person who says nothing.
    pub(super) fn thinking(mut self) -> Self {
        let (keys, typed) = mpsc::unbounded_channel();
        self.silent = Some(keys);
        *self.typed.lock().expect("no command panicked") = Some(typed);
        self
    }

    /// With a model whose user presses Ctrl-C so many times when it has begun to write.
    pub(super) fn impatient(mut self, scenario: &str, times: usize) -> Self {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let model = ScriptedBackend::new(ProviderName::new("scripted"), scenario);
        let keyboard = self.keyboard.0.clone();
        self.backends.push(Arc::new(Impatient { model, keyboard, times }));
        self
    }

    /// The project's directory.
    pub(super) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The user's home directory.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What a program that is started here finds.
    fn variables(&self) -> Vec<(&str, String)> {
        let own = self.variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
        own.chain([("HOME", self.home().display().to_string())]).collect()
    }

    /// The runtime of another program than the command, which records.
    pub(super) fn runtime(&self) -> RuntimeHandle {
        let environment = Environment::new(self.project(), self.variables());
        let recorder = Recorder::of_user(&environment, "", Retention::default()).expect("it records");
        let builder = Runtime::builder().environment(environment).recorder(Arc::new(recorder));
        self.backends.iter().cloned().fold(builder, RuntimeBuilder::backend).start().expect("a runtime")
    }

    /// Types a command.
    pub(super) fn play(&self, arguments: &[&str]) -> Played {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let captured =
            if self.is_terminal { Captured::of_terminal(&variables) } else { Captured::new(&variables) };
        let interruptions = self.keyboard.1.lock().expect("no command panicked").take();
        let mut host = Host {
            environment: Environment::new(self.project(), variables.iter().copied()),
            terminal: captured.terminal(),
            stdin: Box::new(Cursor::new(self.stdin.clone().into_bytes())),
            backends: self.backends.clone(),
            keyboard: self.typed.lock().expect("no command panicked").take().map(Keyboard::Channel),
            interrupts: interruptions.map(Interrupts::Channel),
        };
        let words = ["codex-task"].iter().chain(arguments).map(OsString::from);
        let exit = command::execute(words, &mut host).code();
        let shown = |text: String| self.without_folder(&text);
        Played { exit, out: shown(captured.out()), err: shown(captured.err()) }
    }

    /// Types a command and writes everything down that a snapshot holds.
    pub(super) fn scene(&self, arguments: &[&str]) -> String {
        let played = self.play(arguments);
        let part = |name: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") }
        };
        format!(
            "$ codex-task {}\nexit {}\n{}{}",
            arguments.join(" "),
            played.exit,
            part("stdout", &played.out),
            part("stderr", &played.err)
        )
    }

    fn without_folder(&self, text: &str) -> String {
        let real = self.folder.path().canonicalize().unwrap_or_default();
        let replaced = text.replace(&real.display().to_string(), "[DIR]");
        let replace = |text: String, path: &Path| text.replace(&path.display().to_string(), "[DIR]");
        replace(replaced, self.folder.path())
    }
}

/// Compares a scene with its snapshot. Which tasks have to wait depends on how fast the first one ends; `lines.rs` tests
/// how that is told.
pub(super) fn compare(name: &str, scene: &str) {
    let scene: String =
        scene.split_inclusive('\n').filter(|line| !line.starts_with("Task(Queued ")).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_filters(FILTERS.to_vec());
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, scene));
}
