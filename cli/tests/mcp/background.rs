//! Row 30: work in the background, its report, its end.

use std::time::Duration;

use codex_task_tests::{Mock, Reply};
use serde_json::{Value, json};

use crate::client::{Answer, Client, task};
use crate::project::{Project, model, task_of, wait_until};

fn in_background(agent: &str, prompt: &str) -> Value {
    let mut arguments = task(agent, prompt);
    arguments["run_in_background"] = json!(true);
    arguments
}

/// A model that takes its time, or no time, or for ever.
fn patient() -> Mock {
    model(|call| match task_of(call).as_str() {
        "hangs" => Reply::Hangs,
        "quick" => Reply::text("did quick"),
        task => Reply::After(Duration::from_millis(300), Box::new(Reply::text(format!("did {task}")))),
    })
}

fn output(id: &str, status: &str, retrieval: &str, result: Option<&str>) -> Answer {
    let mut text = format!(
        "<retrieval_status>{retrieval}</retrieval_status>\n\n<task_id>{id}</task_id>\n\n\
         <task_type>local_agent</task_type>\n\n<status>{status}</status>"
    );
    if let Some(result) = result {
        text = format!("{text}\n\n<output>\n\n--- RESULT ---\n{result}\n</output>");
    }
    Answer { blocks: vec![text], is_error: false }
}

#[test]
fn a_task_in_the_background_is_answered_at_once_and_asked_for_later() {
    let mock = patient();
    let mut client = Client::greet(&Project::on(&mock));
    let launched = client.ask("Task", &in_background("general-purpose", "work"));
    let id = launched.agent_id();
    let beginning = format!("Async agent launched successfully.\nagentId: {id} (");
    assert!(launched.text().starts_with(&beginning) && !launched.is_error, "{launched:?}");
    let now = json!({"task_id": id, "block": false});
    assert_eq!(client.ask("TaskOutput", &now), output(&id, "running", "not_ready", None));
    let soon = json!({"task_id": id, "timeout": 20});
    assert_eq!(client.ask("TaskOutput", &soon), output(&id, "running", "not_ready", None));
    let done = output(&id, "completed", "success", Some("did work"));
    assert_eq!(client.ask("TaskOutput", &json!({"task_id": id})), done);
    assert_eq!(client.ask("TaskOutput", &now), done, "a report can be read again");
    let late = client.ask("TaskStop", &json!({"task_id": id}));
    let text = format!("Task {id} is not running (status: completed)");
    assert_eq!(late, Answer { blocks: vec![text], is_error: true });
}

#[test]
fn a_stopped_task_ends_at_once_and_says_so() {
    let mock = patient();
    let mut client = Client::greet(&Project::on(&mock));
    let id = client.ask("Task", &in_background("general-purpose", "hangs")).agent_id();
    wait_until("the model is asked", || !mock.calls().is_empty());
    let stopped = client.ask("TaskStop", &json!({"task_id": id}));
    let reply: Value = serde_json::from_str(stopped.text()).expect("JSON");
    let message = format!("Successfully stopped task: {id} (a story's task)");
    assert_eq!(reply, json!({"message": message, "task_id": id, "task_type": "local_agent"}));
    let killed = "Agent stopped: it was cancelled before it had finished";
    assert_eq!(
        client.ask("TaskOutput", &json!({"task_id": id})),
        output(&id, "killed", "success", Some(killed))
    );
}

#[test]
fn a_task_that_cannot_begin_is_refused_at_once_also_in_the_background() {
    let mock = patient();
    let mut client = Client::greet(&Project::on(&mock));
    let refused = client.ask("Task", &in_background("nope", "x"));
    assert!(refused.is_error && refused.text().starts_with("Agent type 'nope' not found."), "{refused:?}");
    for tool in ["TaskOutput", "TaskStop"] {
        let unknown = client.ask(tool, &json!({"task_id": "zzz"}));
        assert_eq!(unknown, Answer { blocks: vec!["No task found with ID: zzz".into()], is_error: true });
    }
    let id = client.ask("Task", &in_background("general-purpose", "quick")).agent_id();
    let done = client.ask("TaskOutput", &json!({"task_id": id}));
    assert_eq!(done, output(&id, "completed", "success", Some("did quick")));
}

#[test]
fn a_call_that_is_cancelled_while_it_waits_leaves_the_task_running() {
    let mock = patient();
    let mut client = Client::greet(&Project::on(&mock));
    let id = client.ask("Task", &in_background("general-purpose", "work")).agent_id();
    client.call("waits", "TaskOutput", &json!({"task_id": id}));
    client.send(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "waits"}}),
    );
    let done = client.ask("TaskOutput", &json!({"task_id": id}));
    assert_eq!(done, output(&id, "completed", "success", Some("did work")));
}
