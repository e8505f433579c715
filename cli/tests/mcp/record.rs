//! Row 31 across processes: what a server does is on record, and another one goes on with it.

use codex_task_tests::{Call, Mock, Reply};
use serde_json::{Value, json};

use crate::client::{Client, task};
use crate::project::{Project, binary, model, task_of};

/// A model that counts its answers within a conversation.
fn counting() -> Mock {
    model(|call: &Call| {
        Reply::text(format!("answer {} to {}", call.turns().len().div_ceil(2), task_of(call)))
    })
}

/// What `codex-task` prints.
fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = project.command(binary()).args(arguments).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn resumed(id: &str) -> Value {
    let mut arguments = task("general-purpose", "go on");
    arguments["resume"] = json!(id);
    arguments
}

#[test]
fn an_agent_of_one_server_is_gone_on_with_by_the_next_and_by_the_command() {
    let mock = counting();
    let project = Project::on(&mock);
    let mut client = Client::greet(&project);
    let id = client.ask("Task", &task("general-purpose", "begin")).agent_id();
    client.hang_up();
    client.ended();
    let mut second = Client::greet(&project);
    let answer = second.ask("Task", &resumed(&id));
    assert_eq!((answer.text(), answer.agent_id()), ("answer 2 to begin", id.clone()));
    let unknown = second.ask("Task", &resumed("zzz"));
    assert_eq!(unknown.text().lines().next(), Some("No transcript found for agent ID: zzz"));
    second.hang_up();
    second.ended();
    let (exit, out, err) = run(&project, &["run", "--resume", &id, "and now?"]);
    assert_eq!((exit, out.as_str()), (Some(0), "answer 3 to begin\n"), "{err}");
    let (exit, _, err) = run(&project, &["run", "--resume", "zzz", "and now?"]);
    assert_eq!(exit, Some(1));
    assert!(err.contains("There is no task 'zzz' to go on with"), "{err}");
    let (_, runs, _) = run(&project, &["runs", "list", "--json"]);
    let runs: Value = serde_json::from_str(&runs).expect("JSON");
    assert_eq!((&runs[0]["tasks"][0]["task_id"], &runs[0]["status"]), (&json!(id), &json!("completed")));
}

#[test]
fn a_server_that_is_not_to_record_does_not_and_remembers_its_own_agents_all_the_same() {
    let mock = counting();
    for (arguments, config) in [(&["--no-record"][..], ""), (&[], "record: false\n")] {
        let project = Project::on(&mock);
        project.write("home/.config/codex-task/config.yaml", &format!("local: {{probe: false}}\n{config}"));
        let mut client = Client::greet_as(&project, "a-client", arguments);
        let id = client.ask("Task", &task("general-purpose", "begin")).agent_id();
        assert_eq!(client.ask("Task", &resumed(&id)).text(), "answer 2 to begin");
        client.hang_up();
        client.ended();
        assert!(!project.home().join(".local/state/codex-task/runs.db").exists());
    }
}
