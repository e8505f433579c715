//! Ten calls of `Task` in one response of the real Codex: from the response to the request that brings all results, with
//! our server and with the least one that there can be, in turn. What Codex itself takes is in both.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_benches::{Percentiles, head, row};
use codex_task_tests::{CodexMock, CodexReply, Peer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

/// Set in the environment of the child that is the least server.
const NOTHING: &str = "CODEX_TASK_BENCH_NOTHING";
/// Calls of one response.
const CALLS: usize = 10;

/// Measures and prints; says what is missing where there is no Codex.
pub(super) fn measure(program: &Path, project: &Path, rounds: usize) {
    let Some(codex) = Peer::Codex.find() else { return };
    let own = std::env::current_exe().expect("this program");
    let home = project.display().to_string();
    let config = project.join("config").display().to_string();
    let servers = [
        Server::new("a server that does nothing", &own, &[], &[(NOTHING, "1")]),
        Server::new("codex-task", program, &["mcp"], &[("HOME", &home), ("XDG_CONFIG_HOME", &config)]),
    ];
    let mut samples = [Vec::new(), Vec::new()];
    // The first round warms the disk.
    for round in 0..=rounds {
        for (server, samples) in servers.iter().zip(&mut samples) {
            let took = server.turn(&codex, project);
            if round > 0 {
                samples.push(took);
            }
        }
    }
    head(&format!("{CALLS} calls through the real Codex"), &["", "median ms", "p95 ms"]);
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let medians = servers.iter().zip(samples).map(|(server, samples)| {
        let samples = Percentiles::of(samples);
        let cell = |percent| format!("{:.1}", ms(samples.at(percent)));
        row(&[server.name.to_owned(), cell(50), cell(95)]);
        ms(samples.at(50))
    });
    if let [nothing, ours] = medians.collect::<Vec<_>>()[..] {
        println!("\nratio of the medians: {:.2}", ours / nothing);
    }
}

/// An MCP server, as Codex starts it.
struct Server {
    name: &'static str,
    config: String,
}

impl Server {
    fn new(name: &'static str, program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        // JSON's texts and lists are TOML's too.
        let mut config = format!(
            "[mcp_servers.task]\ncommand = {}\nargs = {}\nsupports_parallel_tool_calls = true\n\
             default_tools_approval_mode = \"approve\"\n\n[mcp_servers.task.env]\n",
            json!(program),
            json!(arguments)
        );
        let variables = variables.iter().map(|(name, value)| format!("{name} = {}\n", json!(value)));
        config.extend(variables);
        Self { name, config }
    }

    /// One turn of Codex: how long its calls took.
    fn turn(&self, codex: &PathBuf, project: &Path) -> Duration {
        let at: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let times = Arc::clone(&at);
        let parent = CodexMock::start(move |request| {
            times.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            let task = json!({"subagent_type": "worker", "prompt": "go", "description": "bench"});
            if request.outputs().is_empty() {
                CodexReply::Tasks(vec![task; CALLS])
            } else {
                CodexReply::Text("done".to_owned())
            }
        });
        let home = TempDir::new().expect("a folder");
        let config = format!("{}\n{}", parent.config("mock"), self.config);
        std::fs::write(home.path().join("config.toml"), config).expect("a file");
        let mut command = Command::new(codex);
        command.args(["exec", "--json", "--skip-git-repo-check", "-s", "workspace-write", "-C"]).arg(project);
        command.arg("go").env("CODEX_HOME", home.path()).env("STORY_KEY", "sk-bench").stdin(Stdio::null());
        let done = command.stderr(Stdio::null()).output().expect("Codex starts");
        let outputs = parent.requests().last().expect("a request").outputs();
        let is_right = |output: &String| output.contains("lazy dog");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(outputs.len() == CALLS && outputs.values().all(is_right), "{outputs:?}\n{said}");
        match at.lock().unwrap_or_else(PoisonError::into_inner).as_slice() {
            [called, back] => back.duration_since(*called),
            others => panic!("{} requests instead of two", others.len()),
        }
    }
}

/// Is the least server, when this process was started for that. Returns whether it was.
#[expect(clippy::disallowed_methods, reason = "the child is told by its environment what it is")]
pub(super) fn serve_if_asked() -> bool {
    if std::env::var(NOTHING).is_err() {
        return false;
    }
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.expect("UTF-8")).expect("JSON");
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "nothing", "version": "1"},
            }),
            Some("tools/list") => {
                json!({"tools": [{"name": "Task", "description": "Nothing", "inputSchema": {"type": "object"}}]})
            }
            Some("tools/call") => {
                json!({"content": [{"type": "text", "text": "The quick brown fox jumps over the lazy dog."}]})
            }
            _ => continue,
        };
        println!("{}", json!({"jsonrpc": "2.0", "id": message["id"], "result": result}));
    }
    true
}
