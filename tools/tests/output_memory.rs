//! A test in a process of its own, since it measures the memory of the process.
#![cfg(target_os = "linux")]

use codex_task_config::{Environment, PermissionMode, PermissionPolicy, ToolSelection};
use codex_task_tools::{Rights, Session, Toolbox, builtin_tools};
use tokio_util::sync::CancellationToken;

/// How much the process may grow while a command writes a gigabyte.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

/// The most memory that the process has ever had.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_of_output_does_not_grow_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let mode = PermissionMode::BypassPermissions;
    let policy = PermissionPolicy { mode, ..PermissionPolicy::default() };
    let rights = Rights::session(&policy, mode, directory.path(), None);
    let environment = Environment::new(directory.path(), [("PATH", "/usr/bin:/bin")]);
    let session = Session::open(directory.path(), &[], environment, CancellationToken::new()).unwrap();
    let toolbox = Toolbox::new(builtin_tools());
    let tools = toolbox.resolve(&ToolSelection::Inherit, &[], &rights, session).unwrap().tool_set;

    // Once for what is loaded at the first call.
    assert_eq!(tools.call("Bash", r#"{"command": "seq 1 100000 | head -1"}"#).await.text, "1");
    let before = peak_kib().unwrap();
    let reply = tools.call("Bash", r#"{"command": "yes | head -c 1000000000"}"#).await;
    let growth = peak_kib().unwrap() - before;
    assert!(!reply.is_error, "{}", reply.text);
    assert!(reply.text.starts_with("y\ny\n") && reply.text.ends_with("y\ny"));
    assert!(reply.text.contains("... [999970000 bytes cut] ..."));
    assert!(growth < GROWTH_KIB_MAX, "grew by {growth} KiB");
}
