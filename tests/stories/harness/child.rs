//! Tests that need a process of their own: because it dies, or because they look at all of its threads.

use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::time::Duration;

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

/// What this process computes for something, on all of its threads: a busy machine makes that no longer.
#[cfg(target_os = "linux")]
pub(crate) fn cost_of(something: impl FnOnce()) -> Duration {
    let before = computed();
    something();
    computed().saturating_sub(before)
}

/// What all threads of this process have computed so far.
#[cfg(target_os = "linux")]
fn computed() -> Duration {
    /// What the kernel counts in, on every machine that runs Linux.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // The second field is the program's name in brackets, with whatever it likes in it.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks =
        fields.split_ascii_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().expect("a number"));
    TICK * ticks.sum::<u32>()
}
