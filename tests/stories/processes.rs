//! Built-in tools at work: what they did stays done, and no process of theirs outlives its task.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RetireWorker, RunTask, TaskStatus};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    TestRuntime, agent, agents, allow_everything, first, result_of, scripted, then, wait_until,
};

/// Writes the ids of two processes, one of them in the background, and stays.
const STAY: &str = "sleep 300 & echo $! $$ >> pids; sleep 300";

fn bash(command: &str) -> Rule {
    Rule::call("Bash", &json!({ "command": command }))
}

fn start(model: &Arc<ScriptedBackend>) -> TestRuntime {
    TestRuntime::start(|builder| {
        builder
            .agents(agents([agent("worker")]))
            .backend(model.clone())
            .overrides(allow_everything())
            .workers(1)
    })
}

/// The processes that the command has started.
fn processes(runtime: &TestRuntime) -> Vec<PathBuf> {
    let pids = std::fs::read_to_string(runtime.project.dir().join("pids")).unwrap_or_default();
    pids.split_whitespace().map(|pid| Path::new("/proc").join(pid)).collect()
}

async fn wait_for_processes(runtime: &TestRuntime) -> Vec<PathBuf> {
    wait_until("the command runs", || processes(runtime).len() == 2).await;
    let found = processes(runtime);
    assert!(found.iter().all(|process| process.exists()), "{found:?}");
    found
}

async fn wait_until_gone(processes: &[PathBuf]) {
    wait_until("all processes are gone", || !processes.iter().any(|process| is_alive(process))).await;
}

/// A process that has ended and that nobody has asked about yet is still listed.
fn is_alive(process: &Path) -> bool {
    let status = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

#[tokio::test]
async fn cancelling_a_task_ends_all_processes_of_its_command() {
    let model = scripted([bash(STAY).when(first())]);
    let runtime = start(&model);
    let task = RunTask::new("worker", "go");
    let id = task.request.id;
    let running = runtime.begin(task);
    let found = wait_for_processes(&runtime).await;
    let began = Instant::now();
    assert!(runtime.cancel(id).await);
    assert_eq!(running.await.expect("no panic").status(), TaskStatus::Cancelled);
    wait_until_gone(&found).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_tasks_deadline_ends_all_processes_of_its_command() {
    let model = scripted([bash(STAY).when(first())]);
    let runtime = start(&model);
    let running = runtime.begin(RunTask::new("worker", "go").timeout(Duration::from_millis(600)));
    let found = wait_for_processes(&runtime).await;
    assert_eq!(running.await.expect("no panic").status(), TaskStatus::TimedOut);
    wait_until_gone(&found).await;
}

#[tokio::test]
async fn the_end_of_the_runtime_ends_all_processes() {
    let model = scripted([bash(STAY).when(first())]);
    let runtime = start(&model);
    let running = runtime.begin(RunTask::new("worker", "go"));
    let found = wait_for_processes(&runtime).await;
    let handle = (*runtime).clone();
    let project = runtime.stopped_already();
    drop(handle);
    wait_until_gone(&found).await;
    running.await.expect_err("whoever waits is told that the runtime is down");
    drop(project);
}

#[tokio::test]
async fn a_command_whose_agent_lost_its_arbiter_is_ended_and_not_run_again() {
    let model = scripted([
        bash(STAY).when(first()),
        Rule::text("I will look").when(result_of("its outcome is unknown")),
    ]);
    let runtime = start(&model);
    let running = runtime.begin(RunTask::new("worker", "go"));
    let found = wait_for_processes(&runtime).await;
    runtime.supervisor().send(RetireWorker { index: 0 }).await.expect("the supervisor lives");
    assert_eq!(running.await.expect("no panic").outcome, Outcome::Completed("I will look".into()));
    wait_until_gone(&found).await;
    assert_eq!(processes(&runtime).len(), 2, "it ran once");
}

#[tokio::test]
async fn an_agent_writes_searches_reads_and_runs_with_the_tools_that_are_built_in() {
    let model = scripted([
        Rule::call("Write", &json!({"file_path": "notes/a.txt", "content": "first line\nneedle here\n"}))
            .when(first()),
        Rule::call("Grep", &json!({"pattern": "needle", "output_mode": "content"})).when(then("Write")),
        Rule::call("Read", &json!({"file_path": "notes/a.txt"})).when(then("Grep")),
        bash("wc -l < notes/a.txt").when(then("Read")),
        Rule::text("two lines").when(then("Bash")),
    ]);
    let runtime = start(&model);
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("two lines".into()));
    assert_eq!((report.turns, report.tool_calls), (5, 4));
    let last = crate::harness::texts_of(model.recorded().last().expect("five requests")).join("\n");
    assert!(last.contains("notes/a.txt:2:needle here"), "Grep names file and line: {last}");
    assert!(last.contains("2→needle here"), "Read numbers its lines: {last}");
}
