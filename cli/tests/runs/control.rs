//! Runs that are followed, ended and gone on with from another process.

use std::fs;
use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::stage::Stage;

fn short(run: &str) -> String {
    run.chars().skip(run.len() - 8).collect()
}

/// A model that never answers the prompt `never-ending`, and is quick with all others.
fn hanging() -> Stage {
    Stage::new(
        |call| if call.everything().contains("never-ending") { Reply::Hangs } else { Reply::text("done") },
    )
}

#[test]
fn a_run_of_another_process_is_cancelled_within_a_second_and_keeps_what_it_has() {
    let stage = hanging();
    let tasks =
        ["Task(subagent_type='worker', prompt='never-ending')", "Task(subagent_type='worker', prompt='go')"];
    let mut child = stage.start(&["run", tasks[0], tasks[1]]);
    let completed = || {
        let (_, out, _) = stage.run(&["runs", "list", "--json"]);
        serde_json::from_str::<Value>(&out).is_ok_and(|runs| runs[0]["tasks"][1]["status"] == "completed")
    };
    Stage::wait_until("the second task has ended", completed);
    let (status, run) = stage.newest();
    assert_eq!(status, "running");
    let began = Instant::now();
    let (exit, out, err) = stage.run(&["runs", "cancel", &short(&run)]);
    assert_eq!((exit, out), (Some(0), format!("run {}: 1 task cancelled\n", short(&run))), "{err}");
    assert_eq!(child.wait().expect("it is ours").code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let (exit, out, _) = stage.run(&["runs", "show", &run, "--json"]);
    assert_eq!(exit, Some(0));
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["tasks"][0]["status"], "cancelled");
    assert_eq!(shown["tasks"][1]["report"]["result"], "done");
    let (exit, _, err) = stage.run(&["runs", "cancel", &run]);
    assert_eq!(exit, Some(0));
    assert!(err.contains("there is nothing to cancel"), "{err}");
}

#[test]
fn a_run_is_watched_until_its_last_task_has_ended() {
    let stage = Stage::new(|call| {
        let wait = if call.everything().contains("at-leisure") { 1_500 } else { 300 };
        Reply::After(Duration::from_millis(wait), Box::new(Reply::text("done")))
    });
    let tasks =
        ["Task(subagent_type='worker', prompt='at-leisure')", "Task(subagent_type='worker', prompt='go')"];
    let mut child = stage.start(&["run", tasks[0], tasks[1]]);
    Stage::wait_until("the run is on record", || stage.run(&["runs", "list"]).1.contains("worker"));
    let run = stage.newest().1;
    let (exit, out, err) = stage.run(&["runs", "watch", &run, "--json"]);
    assert_eq!(exit, Some(0), "{err}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("the run's own line");
    assert_eq!((&last["event"], &last["status"]), (&json!("run"), &json!("completed")), "{out}");
    let states: Vec<&Value> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(lines[0]["event"], "task");
    assert!(states.contains(&&json!("running")), "{out}");
    child.wait().expect("it is ours");
    let (exit, out, _) = stage.run(&["runs", "watch", &run]);
    assert_eq!(exit, Some(0));
    assert!(out.contains("worker: completed, 1 turn, 19 tokens"), "{out}");
    assert!(out.ends_with("tokens\n") && out.contains(&format!("Run {}: completed", short(&run))), "{out}");
}

#[test]
fn a_run_whose_process_is_gone_is_told_and_can_be_given_up() {
    let stage = hanging();
    let mut child = stage.start(&["run", "worker", "never-ending"]);
    Stage::wait_until("the model is asked", || stage.mock.in_flight() == 1);
    Stage::wait_until("it is on record", || stage.run(&["runs", "list"]).1.lines().count() == 1);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let run = stage.newest().1;
    let (exit, out, err) = stage.run(&["runs", "watch", &run]);
    assert_eq!(exit, Some(1));
    assert!(out.contains("unfinished") && err.contains("runs resume"), "{out}{err}");
    let (exit, out, _) = stage.run(&["runs", "cancel", &run]);
    assert_eq!(exit, Some(0));
    assert!(out.contains("1 task cancelled; its process was gone"), "{out}");
    let (exit, _, err) = stage.run(&["runs", "resume", "--all"]);
    assert_eq!((exit, err.as_str()), (Some(0), "no run is unfinished\n"));
}

/// Kills a run whose model hangs, then lets the model answer.
fn left_behind(stage: &Stage, gate: &std::path::Path) {
    fs::remove_file(gate).ok();
    let runs = || stage.run(&["runs", "list"]).1.lines().count();
    let before = runs();
    let mut child = stage.start(&["run", "worker", "wait"]);
    Stage::wait_until("the run is on record", || runs() > before);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    fs::write(gate, "open").expect("a file");
}

fn gated() -> (Stage, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let gate = folder.join("gate");
    let open = gate.clone();
    let stage = Stage::new(move |_| if open.exists() { Reply::text("done") } else { Reply::Hangs });
    (stage, gate)
}

#[test]
fn all_unfinished_runs_go_on_one_after_the_other() {
    let (stage, gate) = gated();
    left_behind(&stage, &gate);
    left_behind(&stage, &gate);
    let (exit, out, err) = stage.run(&["runs", "resume", "--all"]);
    assert_eq!((exit, out.as_str()), (Some(0), "done\ndone\n"), "{err}");
    let (_, out, _) = stage.run(&["runs", "list", "--json"]);
    let runs: Value = serde_json::from_str(&out).expect("JSON");
    assert!(runs.as_array().expect("a list").iter().all(|run| run["status"] == "completed"), "{out}");
    fs::remove_dir_all(gate.parent().expect("a folder")).expect("it is ours");
}

#[test]
fn with_resume_auto_the_next_run_goes_on_with_what_was_left_before_it_begins() {
    let (stage, gate) = gated();
    left_behind(&stage, &gate);
    let config = stage.path("home/.config/codex-task");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.yaml"), "resume: auto\n").expect("a file");
    let (exit, out, err) = stage.run(&["run", "worker", "another"]);
    assert_eq!((exit, out.as_str()), (Some(0), "done\n"), "{err}");
    assert!(
        err.contains("goes on first: 1 unfinished task") && err.contains("1 of 1 task completed"),
        "{err}"
    );
    let (_, out, _) = stage.run(&["runs", "list", "--json"]);
    let runs: Value = serde_json::from_str(&out).expect("JSON");
    let states: Vec<&Value> = runs.as_array().expect("a list").iter().map(|run| &run["status"]).collect();
    assert_eq!(states, [&json!("completed"), &json!("completed")]);
    fs::remove_dir_all(gate.parent().expect("a folder")).expect("it is ours");
}
