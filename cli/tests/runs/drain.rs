//! SIGTERM: an orderly end. What runs may go on for a while, what waits does not begin.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::Value;
use tokio::time::Instant;

use crate::stage::{Stage, said};

fn terminate(child: &Child) {
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
}

/// A stage whose user gives running tasks so long.
fn with_grace(
    grace: &str,
    respond: impl Fn(&codex_task_tests::Call) -> Reply + Send + Sync + 'static,
) -> Stage {
    let stage = Stage::new(respond);
    let config = stage.path("home/.config/codex-task");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.yaml"), format!("limits: {{drain_timeout: {grace}}}\n")).expect("a file");
    stage
}

fn start(stage: &Stage, arguments: &[&str]) -> Child {
    let mut command = stage.codex_task(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    Stage::wait_until("the model is asked", || stage.mock.in_flight() == 1);
    child
}

fn tasks(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("Task(subagent_type='worker', prompt='{word}')")).collect()
}

#[test]
fn what_runs_comes_to_its_end_and_what_waits_does_not_begin() {
    let slow = || Reply::After(Duration::from_millis(800), Box::new(Reply::text("done")));
    let stage = with_grace("20s", move |_| slow());
    let words = tasks(&["one", "two"]);
    let child = start(&stage, &["run", &words[0], &words[1], "--concurrency", "1", "--json"]);
    terminate(&child);
    let (exit, out, err) = said(&child.wait_with_output().expect("it is ours"));
    assert_eq!(exit, Some(143), "{err}");
    assert!(err.contains("Terminating: no task begins any longer, 1 running task may go on for 20"), "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let told = |n: usize| (report["tasks"][n]["status"].as_str(), report["tasks"][n]["result"].as_str());
    assert_eq!([told(0), told(1)], [(Some("completed"), Some("done")), (Some("cancelled"), None)]);
    assert_eq!(stage.mock.calls().len(), 1);
    assert_eq!(stage.newest().0, "cancelled");
}

#[test]
fn what_does_not_end_in_its_grace_is_cancelled_with_what_it_has() {
    let stage = with_grace("300ms", |_| Reply::Stalls("half of an answer".to_owned()));
    let child = start(&stage, &["run", "worker", "go", "--json"]);
    std::thread::park_timeout(Duration::from_millis(300));
    let began = Instant::now();
    terminate(&child);
    let (exit, out, err) = said(&child.wait_with_output().expect("it is ours"));
    assert_eq!(exit, Some(143), "{err}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["tasks"][0]["status"], "cancelled", "{out}");
    assert!(report["tasks"][0]["result"].as_str().is_some_and(|text| text.starts_with("half")), "{out}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let stage = with_grace("10m", |_| Reply::Hangs);
    let mut child = start(&stage, &["run", "worker", "go"]);
    terminate(&child);
    std::thread::park_timeout(Duration::from_millis(300));
    assert!(child.try_wait().expect("it is ours").is_none(), "it has its grace");
    let began = Instant::now();
    terminate(&child);
    assert_eq!(child.wait().expect("it is ours").code(), Some(143));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(stage.newest().0, "cancelled");
}
