//! The record itself: killed, resumed, listed, shown, and on a disk that is full.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::json;

use crate::stage::{EFFECT, Stage, said};

#[test]
fn a_killed_run_goes_on_without_repeating_the_call_that_was_cut_off() {
    let stage = Stage::new(|call| match call.tool_results().first() {
        None => Reply::tool("Bash", json!({ "command": EFFECT })),
        Some(result) if result.contains("outcome is unknown") => Reply::text("looked, and it was done"),
        Some(other) => Reply::text(format!("the call was repeated: {other}")),
    });
    let words = ["run", "worker", "do it", "--permission-mode", "bypassPermissions"];
    let mut child = stage
        .codex_task(&words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    for _ in 0..1_000 {
        if stage.effects() > 0 {
            break;
        }
        park_timeout(Duration::from_millis(10));
    }
    assert_eq!(stage.effects(), 1, "the call has begun");
    let (status, run) = stage.newest();
    assert_eq!(status, "running");
    let refused = stage.run(&["runs", "resume", &run]);
    assert_eq!(refused.0, Some(1));
    assert!(refused.2.contains("still running"), "{}", refused.2);
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    assert_eq!(stage.newest().0, "unfinished");

    let short: String = run.chars().skip(run.len() - 8).collect();
    let (exit, out, err) = stage.run(&["runs", "resume", &short]);
    assert_eq!((exit, out.as_str()), (Some(0), "looked, and it was done\n"), "{err}");
    assert_eq!((stage.effects(), stage.mock.calls().len()), (1, 2), "nothing is done or paid twice");
    assert_eq!(stage.newest(), ("completed".to_owned(), run.clone()));
    let (exit, out, _) = stage.run(&["runs", "show", &short]);
    assert_eq!(exit, Some(0));
    assert!(out.contains("2 turns") && out.contains("looked, and it was done"), "{out}");
    let (exit, out, err) = stage.run(&["runs", "resume", &run]);
    assert_eq!((exit, out.as_str()), (Some(0), ""), "{err}");
}

#[test]
fn on_a_full_disk_a_call_with_effects_does_not_run_and_the_record_stays_whole() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let stage = Stage::new(move |call| {
        counted.fetch_add(1, Ordering::SeqCst);
        match call.tool_results().first() {
            None => Reply::tool("Bash", json!({ "command": EFFECT })),
            Some(_) => Reply::text("done"),
        }
    });
    let prompt = "x".repeat(1_500_000);
    fs::write(stage.path("prompt"), &prompt).expect("a file");
    // What a full disk says to a write, without one: no file may grow beyond this.
    let limited = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let output = stage
        .program("/bin/sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_codex-task"), "run", "worker", "-"])
        .args(["--permission-mode", "bypassPermissions"])
        .stdin(fs::File::open(stage.path("prompt")).expect("a file"))
        .output()
        .expect("the shell starts");
    let (exit, _, err) = said(&output);
    assert_eq!(exit, Some(1), "{err}");
    assert!(err.contains("the journal cannot be written"), "{err}");
    assert!(err.contains("not completely on record"), "{err}");
    assert_eq!(stage.effects(), 0, "what is not on record does not run");
    assert!(calls.load(Ordering::SeqCst) <= 1, "no further call is paid");
    // There is space again.
    let (exit, out, err) = stage.run(&["runs", "list"]);
    assert_eq!((exit, out.as_str()), (Some(0), ""), "{err}");
}

#[test]
fn what_is_not_to_be_recorded_is_not() {
    let stage = Stage::new(|_| Reply::text("done"));
    let (exit, _, err) = stage.run(&["run", "worker", "do it", "--no-record"]);
    assert_eq!(exit, Some(0));
    assert!(!err.contains(", run "), "{err}");
    assert!(!stage.path("home").exists());
    let (exit, _, err) = stage.run(&["runs", "show", "12345678"]);
    assert_eq!(exit, Some(1));
    assert!(err.contains("There is no run '12345678'"), "{err}");
}

#[test]
fn a_record_that_cannot_be_kept_is_told_and_the_tasks_run_all_the_same() {
    let stage = Stage::new(|_| Reply::text("done"));
    fs::write(stage.path("home"), "no directory").expect("a file");
    let (exit, out, err) = stage.run(&["run", "worker", "do it"]);
    assert_eq!((exit, out.as_str()), (Some(0), "done\n"));
    assert!(err.contains("Warning: the run is not recorded"), "{err}");
}
