//! The audit trail of the built command: after a kill, after tampering, and where none is wanted.

use std::fs;
use std::path::PathBuf;

use codex_task_tests::Reply;
use serde_json::{Value, json};

use crate::stage::{EFFECT, Stage};

fn acting() -> Stage {
    Stage::new(|call| match call.tool_results().first() {
        None => Reply::tool("Bash", json!({ "command": EFFECT })),
        Some(_) => Reply::text("done"),
    })
}

fn trails(stage: &Stage) -> Vec<PathBuf> {
    let folder = stage.path("home/.local/state/codex-task/audit");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|files| files.map(|file| file.expect("a file").path()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

#[test]
fn a_kill_in_the_middle_leaves_a_trail_that_verifies_and_tells_of_the_call_that_was_cut_off() {
    let stage = acting();
    let mut child = stage.start(&["run", "worker", "do it", "--permission-mode", "bypassPermissions"]);
    Stage::wait_until("the call has begun", || stage.effects() > 0);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let (exit, out, err) = stage.run(&["audit", "verify", "--json"]);
    let verdict: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((exit, &verdict["whole"]), (Some(0), &json!(true)), "{out}{err}");
    assert_eq!(verdict["sessions"][0]["notes"][0]["kind"], "open");
    let (_, out, _) = stage.run(&["audit", "tail", "--json"]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("it has lines");
    assert_eq!((&last["event"], &last["args"]["command"]), (&json!("tool_start"), &json!(EFFECT)), "{out}");

    // What the machine was writing when it lost power.
    let trail = trails(&stage).remove(0);
    let torn = fs::read_to_string(&trail).expect("a file") + "{\"agent\":\"wor";
    fs::write(&trail, torn).expect("a file");
    let (exit, out, _) = stage.run(&["audit", "verify"]);
    assert_eq!(exit, Some(0));
    assert!(out.contains("the last 13 bytes are no whole line"), "{out}");
}

#[test]
fn a_changed_trail_is_told_with_its_line_and_the_exit_code_says_so() {
    let stage = Stage::new(|_| Reply::text("done"));
    assert_eq!(stage.run(&["run", "worker", "do it"]).0, Some(0));
    assert_eq!(stage.run(&["audit", "verify"]).0, Some(0));
    let trail = trails(&stage).remove(0);
    let text = fs::read_to_string(&trail).expect("a file");
    fs::write(&trail, text.replace("\"completed\"", "\"cancelled\"")).expect("a file");
    let (exit, out, err) = stage.run(&["audit", "verify"]);
    assert_eq!(exit, Some(1), "{out}");
    assert!(out.contains("1 of 1 session not as written"), "{out}");
    for part in ["Error: The audit trail of session", "the line was changed", "Suggestion:", "Fallback:"] {
        assert!(err.contains(part), "{part}: {err}");
    }
}

#[test]
fn no_trail_is_kept_where_none_is_wanted() {
    let stage = Stage::new(|_| Reply::text("done"));
    assert_eq!(stage.run(&["run", "worker", "do it", "--no-record"]).0, Some(0));
    assert!(!stage.path("home").exists());
    let config = stage.path("home/.config/codex-task");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.yaml"), "audit: {enabled: false}\n").expect("a file");
    assert_eq!(stage.run(&["run", "worker", "do it"]).0, Some(0));
    assert!(trails(&stage).is_empty());
    let (exit, out, err) = stage.run(&["audit", "verify"]);
    assert_eq!((exit, out.as_str()), (Some(0), ""));
    assert!(err.starts_with("no audit trail is kept in"), "{err}");
}
