//! The two sides that are compared: the least that a client can do, and the runtime.
#![expect(
    clippy::expect_used,
    dead_code,
    reason = "a benchmark stops at the first fault; each uses a part of this"
)]

use std::sync::Arc;

use codex_task::store::{Recorder, Records};
use codex_task::{Environment, RunTask, Runtime, RuntimeBuilder, RuntimeHandle, TaskStatus};
use codex_task_benches::{Ledger, MockProcess, serve_if_asked};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

/// Bytes of the prompt of every task.
const PROMPT_BYTES: usize = 4_096;

/// Runs a benchmark on two threads beside a mock in another process; the whole of its `main`.
pub(crate) fn beside_mock(run: impl AsyncFnOnce(&MockProcess)) {
    if serve_if_asked() {
        return;
    }
    let mock = MockProcess::start().expect("the mock starts");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio");
    runtime.block_on(run(&mock));
}

/// A loop over `reqwest`: one client, one request, the stream read to its end.
pub(crate) struct Bare {
    client: reqwest::Client,
    url: String,
}

impl Bare {
    pub(crate) fn new(base_url: &str) -> Self {
        // Without a provider reqwest builds no client, also for plain HTTP; the second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(1_024);
        Self { client: client.build().expect("a client"), url: format!("{base_url}/chat/completions") }
    }

    /// Sends `count` requests at once; returns when each was answered.
    pub(crate) async fn batch(&self, count: usize) -> Vec<Instant> {
        let requests = (0..count).map(|_| {
            let (client, url) = (self.client.clone(), self.url.clone());
            tokio::runtime::Handle::current().spawn(async move {
                let messages = json!([{"role": "system", "content": "You are a test."}, {"role": "user", "content": prompt()}]);
                let body = json!({"model": "mock", "stream": true, "messages": messages}).to_string();
                let request = client.post(url).header("content-type", "application/json").body(body);
                let mut stream = request.send().await.expect("an answer").bytes_stream();
                let mut bytes = 0;
                while let Some(chunk) = stream.next().await {
                    bytes += chunk.expect("a chunk").len();
                }
                assert!(bytes > 0, "an empty answer");
                Instant::now()
            })
        });
        join_all(requests).await.into_iter().map(|ended| ended.expect("no panic")).collect()
    }
}

/// The runtime with one agent.
pub(crate) struct Subagents {
    handle: RuntimeHandle,
    _project: TempDir,
}

impl Subagents {
    /// A runtime whose agents talk to the mock, `max_concurrent` at once.
    pub(crate) fn start(base_url: &str, max_concurrent: usize) -> Self {
        Self::open(Self::project(base_url, max_concurrent, /*agents*/ 1))
    }

    /// A project with settings and agent files; `worker` is the one that runs.
    pub(crate) fn project(base_url: &str, max_concurrent: usize, agents: usize) -> TempDir {
        Self::project_with("[]", base_url, max_concurrent, agents)
    }

    /// A project whose agents have these tools.
    fn project_with(tools: &str, base_url: &str, max_concurrent: usize, agents: usize) -> TempDir {
        let project = tempfile::tempdir().expect("a folder");
        let directory = project.path().join(".claude/agents");
        std::fs::create_dir_all(&directory).expect("a folder");
        for number in 0..agents {
            let name = if number == 0 { "worker".to_owned() } else { format!("idle-{number}") };
            let agent = format!(
                "---\nname: {name}\ndescription: Works\ntools: {tools}\nmodel: mock\nprovider: bench\n---\nYou are a test.\n"
            );
            std::fs::write(directory.join(format!("{name}.md")), agent).expect("a file");
        }
        let config = project.path().join("config/codex-task");
        std::fs::create_dir_all(&config).expect("a folder");
        let settings = format!(
            "providers:\n  bench:\n    kind: openai_chat\n    base_url: {base_url}\n    max_in_flight: 256\nlimits:\n  max_concurrent: {max_concurrent}\n"
        );
        std::fs::write(config.join("config.yaml"), settings).expect("a file");
        project
    }

    /// Starts a runtime in a project.
    pub(crate) fn open(project: TempDir) -> Self {
        let handle = Runtime::builder().environment(environment(&project)).start();
        Self { handle: handle.expect("the runtime starts"), _project: project }
    }

    /// As [`Subagents::start`], with everything on record.
    pub(crate) fn start_recorded(base_url: &str, max_concurrent: usize) -> Self {
        let project = Self::project(base_url, max_concurrent, /*agents*/ 1);
        let builder = recorded(&project, Runtime::builder().environment(environment(&project)));
        Self { handle: builder.start().expect("the runtime starts"), _project: project }
    }

    /// A runtime whose agent has the ledger.
    pub(crate) fn start_with_ledger(base_url: &str, keeping: Keeping) -> Self {
        let project =
            Self::project_with(Ledger::NAME, base_url, /*max_concurrent*/ 1_000, /*agents*/ 1);
        let ledger = Arc::new(Ledger::new().expect("a schema"));
        let builder = Runtime::builder().environment(environment(&project)).tool(ledger);
        let builder = match keeping {
            Keeping::Nothing => builder,
            Keeping::Records => recorded(&project, builder),
        };
        Self { handle: builder.start().expect("the runtime starts"), _project: project }
    }

    /// Runs `count` tasks at once; returns when each was answered.
    pub(crate) async fn batch(&self, count: usize) -> Vec<Instant> {
        let tasks = (0..count).map(|_| {
            let handle = self.handle.clone();
            tokio::runtime::Handle::current().spawn(async move {
                let report = handle.run(RunTask::<String>::new("worker", prompt())).await.expect("a runtime");
                assert_eq!(report.status(), TaskStatus::Completed, "{:?}", report.outcome);
                Instant::now()
            })
        });
        join_all(tasks).await.into_iter().map(|ended| ended.expect("no panic")).collect()
    }

    /// The handle, for benchmarks that do more.
    pub(crate) fn handle(&self) -> &RuntimeHandle {
        &self.handle
    }

    pub(crate) async fn stop(self) {
        self.handle.shutdown().await;
    }
}

/// What a runtime keeps on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeping {
    Nothing,
    /// The journal and the audit trail.
    Records,
}

fn recorded(project: &TempDir, builder: RuntimeBuilder) -> RuntimeBuilder {
    let environment = environment(project);
    let records = Records::of_user(&environment).expect("the records open");
    let recorder = Recorder::start(records, &environment, "").expect("it records");
    builder.recorder(Arc::new(recorder))
}

/// The project as home, and nothing of this machine.
fn environment(project: &TempDir) -> Environment {
    let home = project.path().to_string_lossy().into_owned();
    let variables = [("HOME", home.clone()), ("XDG_CONFIG_HOME", format!("{home}/config"))];
    Environment::new(project.path(), variables)
}

/// A prompt of the size that the figures are quoted for.
pub(crate) fn prompt() -> Arc<str> {
    "Look at this. ".repeat(PROMPT_BYTES / 14).into()
}
