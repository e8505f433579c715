//! Endings: a cancelled call, a closed stdin, a signal. Nothing is left behind, and nobody waits.

use std::process::Command;
use std::time::Duration;

use codex_task_tests::{Mock, Reply};
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Client, task};
use crate::project::{Project, binary, model, task_of, wait_until};

/// Longest time from the client's leaving to the end of everything.
const AT_ONCE: Duration = Duration::from_secs(1);

fn hanging() -> Mock {
    model(|call| match task_of(call).as_str() {
        "quick" => Reply::text("done"),
        _ => Reply::Hangs,
    })
}

#[test]
fn a_cancelled_call_ends_its_agent_at_once_and_is_never_answered() {
    let mock = hanging();
    let mut client = Client::greet(&Project::on(&mock));
    for id in ["one", "two"] {
        client.call(id, "Task", &task("general-purpose", id));
    }
    wait_until("both are at the model", || mock.in_flight() == 2);
    let cancelled = json!({"requestId": "one", "reason": "MCP request cancelled by caller"});
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}));
    wait_until("the connection is closed", || mock.in_flight() == 1);
    assert_eq!(client.ask("Task", &task("general-purpose", "quick")).text(), "done");
    assert_eq!(client.listen(Duration::from_millis(100)), Vec::<serde_json::Value>::new());
    assert_eq!(mock.in_flight(), 1, "the other one goes on");
}

#[test]
fn a_client_that_hangs_up_ends_everything_within_a_second() {
    let mock = hanging();
    let mut client = Client::greet(&Project::on(&mock));
    client.call(1, "Task", &task("general-purpose", "hangs"));
    let mut arguments = task("general-purpose", "hangs in the background");
    arguments["run_in_background"] = json!(true);
    client.call(2, "Task", &arguments);
    wait_until("both are at the model", || mock.in_flight() == 2);
    client.hang_up();
    let (status, took) = client.ended();
    assert_eq!(status.code(), Some(0));
    assert!(took < AT_ONCE, "{took:?}");
    wait_until("the connections are closed", || mock.in_flight() == 0);
}

#[test]
fn requests_before_the_end_of_the_input_are_answered() {
    let mock = hanging();
    let mut client = Client::greet(&Project::on(&mock));
    client.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    client.hang_up();
    assert!(client.reply(&json!(1))["result"]["tools"].is_array());
    assert_eq!(client.ended().0.code(), Some(0));
}

#[test]
fn a_client_that_leaves_without_a_greeting_leaves_nothing_behind() {
    let project = Project::new();
    let mut client = Client::start(&project, project.command(binary()).arg("mcp"));
    client.hang_up();
    let (status, took) = client.ended();
    assert!(status.success() && took < AT_ONCE, "{status:?} {took:?}");
}

#[cfg(unix)]
#[test]
fn signals_end_everything_within_a_second() {
    let mock = hanging();
    for signal in ["-TERM", "-INT"] {
        let mut client = Client::greet(&Project::on(&mock));
        client.call(1, "Task", &task("general-purpose", "hangs"));
        wait_until("it is at the model", || mock.in_flight() == 1);
        let killed = Command::new("kill").args([signal, &client.id().to_string()]).status().expect("kill");
        assert!(killed.success());
        let (status, took) = client.ended();
        assert!(status.success() && took < AT_ONCE, "{signal}: {status:?} {took:?}");
        wait_until("the connection is closed", || mock.in_flight() == 0);
    }
}

/// How a client can leave an agent whose command runs.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
enum Leaving {
    CancelsTheCall,
    HangsUp,
    SendsSigterm,
}

#[cfg(target_os = "linux")]
#[test]
fn an_agents_command_ends_with_its_agent_however_the_client_leaves() {
    let mock = model(|_| Reply::tool("Bash", json!({"command": "sleep 600", "timeout": 600_000})));
    let project = Project::on(&mock).agent("worker", "description: Sleeps\ntools: Bash\n");
    project.write("project/.claude/settings.json", r#"{"permissions": {"allow": ["Bash(sleep 600)"]}}"#);
    for leaving in [Leaving::CancelsTheCall, Leaving::HangsUp, Leaving::SendsSigterm] {
        for is_background in [false, true] {
            let mut client = Client::greet(&project);
            let mut arguments = task("worker", "sleep");
            arguments["run_in_background"] = json!(is_background);
            client.call(1, "Task", &arguments);
            wait_until("the command runs", || project.runs("sleep"));
            match leaving {
                Leaving::CancelsTheCall if is_background => {
                    let id = client.answer(1).agent_id();
                    client.ask("TaskStop", &json!({"task_id": id}));
                }
                Leaving::CancelsTheCall => {
                    let cancelled = json!({"requestId": 1});
                    client.send(
                        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}),
                    );
                }
                Leaving::HangsUp => client.hang_up(),
                Leaving::SendsSigterm => {
                    let killed = Command::new("kill").arg(client.id().to_string()).status().expect("kill");
                    assert!(killed.success());
                }
            }
            let began = Instant::now();
            wait_until("the command is gone", || !project.runs("sleep"));
            assert!(began.elapsed() < AT_ONCE, "{leaving:?}: {:?}", began.elapsed());
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_killed_leaves_no_command_behind() {
    let mock = model(|call| match task_of(call).as_str() {
        "free" => Reply::tool("Bash", json!({"command": "sleep 601", "timeout": 600_000})),
        "free in the background" => {
            Reply::tool("Bash", json!({"command": "sleep 601", "run_in_background": true}))
        }
        _ => Reply::tool("Bash", json!({"command": "sleep 602 && true", "timeout": 600_000})),
    });
    let project = Project::on(&mock).agent("worker", "description: Sleeps\ntools: Bash\n");
    project.write("project/.claude/settings.json", r#"{"permissions": {"allow": ["Bash(sleep 601)"]}}"#);
    for prompt in ["free", "free in the background", "in the sandbox"] {
        let mut client = Client::greet(&project);
        client.call(1, "Task", &task("worker", prompt));
        wait_until("the command runs", || project.runs("sleep"));
        let killed = Command::new("kill").args(["-KILL", &client.id().to_string()]).status().expect("kill");
        assert!(killed.success());
        client.ended();
        let began = Instant::now();
        wait_until("the command is gone", || !project.runs("sleep"));
        assert!(began.elapsed() < AT_ONCE, "{prompt}: {:?}", began.elapsed());
    }
}
