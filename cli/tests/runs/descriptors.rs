//! A process that may open few files: tasks wait for each other and none fails.

use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::Value;

use crate::stage::{Stage, said};

#[test]
fn with_64_descriptors_sixty_tasks_queue_and_all_complete() {
    let stage = Stage::new(|_| Reply::After(Duration::from_millis(20), Box::new(Reply::text("done"))));
    let task = "Task(subagent_type='worker', prompt='go')";
    let output = stage
        .program("/bin/sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_codex-task"), "run"])
        .args(["--concurrency", "60", "--json"])
        .args(vec![task; 60])
        .output()
        .expect("the shell starts");
    let (exit, out, err) = said(&output);
    assert_eq!(exit, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let tasks = report["tasks"].as_array().expect("a list");
    assert_eq!(tasks.len(), 60);
    for task in tasks {
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(
            task["attempts"].as_array().map(Vec::len),
            Some(1),
            "no call failed for want of one: {task}"
        );
    }
    assert!(stage.mock.most_in_flight() < 12, "{} at once", stage.mock.most_in_flight());
}
