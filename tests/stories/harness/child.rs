//! Tests that need a process of their own: because it dies, or because they look at all of its threads.

use std::process::{Command, Output};

use codex_task::Environment;

const CHILD: &str = "CODEX_TASK_STORY_CHILD";

/// Runs `story` in a process that runs nothing else, and gives how that ended; in that process itself, `None`.
/// `name` is the test's full name.
pub(crate) fn in_child(name: &str, story: impl FnOnce()) -> Option<Output> {
    let process = Environment::from_process().expect("a working directory");
    if process.get(CHILD) == Some(name) {
        story();
        return None;
    }
    let binary = std::env::current_exe().expect("the test's own binary");
    let child = Command::new(binary)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .env("RUST_BACKTRACE", "0")
        .output();
    let child = child.expect("the test's own binary runs");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("running 1 test"), "the child runs this very test:\n{said}");
    Some(child)
}
