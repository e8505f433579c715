//! The MCP server: from its start to the answer to `tools/list` with 100 agent files, beside the start of the same
//! program when it only tells its version; then calls of `Task` through the protocol, one and ten at once, beside the
//! bare client that sends the same number of requests; then ten calls of the real Codex, where there is one, beside a
//! server that does nothing. Needs the built command: `cargo build --profile bench -p
//! codex-task-cli`.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and stops at the first fault"
)]

mod codex_turn;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use codex_task_benches::{MockProcess, Percentiles, head, is_smoke_run, row, serve_if_asked};
use serde_json::{Value, json};
use support::{Bare, Subagents};
use tokio::time::Instant;

const ROUNDS: usize = 31;
/// Codex starts anew for each.
const CODEX_ROUNDS: usize = 15;

fn main() {
    if serve_if_asked() || codex_turn::serve_if_asked() {
        return;
    }
    let Some(program) = program() else {
        println!("mcp: not measured, because the command is not built");
        return;
    };
    let rounds = if is_smoke_run() { 2 } else { ROUNDS };
    let mock = MockProcess::start().expect("the mock starts");
    let url = mock.base_url(Duration::ZERO);
    let project = Subagents::project(&url, 10, 100);
    start(&program, project.path(), rounds);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("tokio");
    calls(&program, project.path(), &runtime, &Bare::new(&url), rounds);
    codex_turn::measure(&program, project.path(), rounds.min(CODEX_ROUNDS));
}

/// The command beside this benchmark.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let program = own.parent()?.parent()?.join("codex-task");
    program.is_file().then_some(program)
}

fn start(program: &Path, project: &Path, rounds: usize) {
    let (mut version, mut listed) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let began = Instant::now();
        command(program, project).arg("--version").stdout(Stdio::null()).status().expect("it runs");
        version.push(began.elapsed());
        let began = Instant::now();
        let mut server = Server::start(program, project);
        server.list();
        listed.push(began.elapsed());
    }
    head("start, 100 agent files", &["", "median ms", "p95 ms"]);
    table("the program tells its version", version);
    table("the server has listed its tools", listed);
}

fn calls(program: &Path, project: &Path, runtime: &tokio::runtime::Runtime, bare: &Bare, rounds: usize) {
    let mut server = Server::start(program, project);
    server.list();
    head("calls without think time", &["", "median ms", "p95 ms"]);
    for count in [1, 10] {
        let (mut alone, mut through) = (Vec::new(), Vec::new());
        for _ in 0..=rounds {
            let began = Instant::now();
            runtime.block_on(bare.batch(count));
            alone.push(began.elapsed());
            let began = Instant::now();
            server.tasks(count);
            through.push(began.elapsed());
        }
        table(&format!("bare reqwest, {count}"), alone);
        table(&format!("Task through MCP, {count}"), through);
    }
    println!();
}

fn table(what: &str, mut samples: Vec<Duration>) {
    samples.remove(0);
    let samples = Percentiles::of(samples);
    let ms = |percent| format!("{:.2}", samples.at(percent).as_secs_f64() * 1e3);
    row(&[what.to_owned(), ms(50), ms(95)]);
}

fn command(program: &Path, project: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(project)
        .env_clear()
        .env("HOME", project)
        .env("XDG_CONFIG_HOME", project.join("config"));
    command
}

/// A server and the two ends of its conversation.
struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(program: &Path, project: &Path) -> Self {
        let mut command = command(program, project);
        command.arg("mcp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the server starts");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout }
    }

    /// Greets and lists, in one write, as clients do that do not wait for each other's lines.
    fn list(&mut self) {
        let client = json!({"name": "bench", "version": "1"});
        let greeting = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        self.send(&[
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": greeting}),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        ]);
        self.answers(2);
    }

    fn tasks(&mut self, count: usize) {
        let arguments = json!({"subagent_type": "worker", "prompt": "go", "description": "bench"});
        let call = |id| {
            let parameters = json!({"name": "Task", "arguments": arguments});
            json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": parameters})
        };
        self.send(&(0..count).map(call).collect::<Vec<_>>());
        for answer in self.answers(count) {
            let is_error = answer.pointer("/result/isError");
            assert_eq!(is_error, Some(&Value::Bool(false)), "{answer}");
        }
    }

    fn send(&mut self, messages: &[Value]) {
        let lines: String = messages.iter().map(|message| message.to_string() + "\n").collect();
        self.stdin.write_all(lines.as_bytes()).and_then(|()| self.stdin.flush()).expect("the server reads");
    }

    fn answers(&mut self, count: usize) -> Vec<Value> {
        let mut answers = Vec::new();
        while answers.len() < count {
            let mut line = String::new();
            assert_ne!(self.stdout.read_line(&mut line).expect("UTF-8"), 0, "the server has ended");
            answers.push(serde_json::from_str(&line).expect("JSON"));
        }
        answers
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
