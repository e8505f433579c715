//! Calls that need a yes are asked for through a client that shows forms, and refused through one that does not.

use std::time::Duration;

use codex_task_tests::{Mock, Reply};
use serde_json::{Value, json};

use crate::client::{Client, task};
use crate::project::{Project, model};

/// A model that makes the same call twice, and reports what came of the second.
fn toucher() -> Mock {
    model(|call| match call.tool_results().as_slice() {
        [_, second, ..] => Reply::text(second.clone()),
        results if results.len() < 2 => {
            Reply::tool("Bash", json!({"command": "touch made.txt", "description": "d"}))
        }
        _ => Reply::text("done"),
    })
}

/// A project whose commands are asked for: nothing holds them.
fn project(mock: &Mock) -> Project {
    let project = Project::on(mock).agent("worker", "description: Works\ntools: Bash\n");
    let config = "local: {probe: false}\nsandbox: danger-full-access\n";
    project.write("home/.config/codex-task/config.yaml", config);
    project
}

fn begin(project: &Project) -> Client {
    let mut client = Client::greet_showing_forms(project, &[]);
    client.call("task", "Task", &task("worker", "Make made.txt"));
    client
}

fn question(client: &mut Client) -> Value {
    client.wait_for("a question", |message| message["method"] == "elicitation/create")
}

fn accept(answer: &str) -> Value {
    json!({"action": "accept", "content": {"answer": answer, "words": "use mkdir"}})
}

#[test]
fn the_client_shows_what_a_terminal_would_and_always_is_asked_once() {
    let mock = toucher();
    let project = project(&mock);
    let mut client = begin(&project);
    let asked = question(&mut client);
    let message = asked["params"]["message"].as_str().expect("a message");
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[..2], ["worker wants to use Bash", "  | touch made.txt"], "{message}");
    assert!(
        message.contains("Why: no rule allows") && message.contains("Runs: with your own rights"),
        "{message}"
    );
    let schema = &asked["params"]["requestedSchema"];
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["answer"])));
    let answers = schema["properties"]["answer"]["enum"].as_array().expect("choices").clone();
    assert_eq!(answers.len(), 3, "{schema}");
    assert!(!project.dir().join("made.txt").exists(), "nothing runs before the answer");
    client.answer_to(&asked, &accept(answers[1].as_str().expect("a text")));
    let answer = client.answer("task");
    assert!(!answer.is_error && project.dir().join("made.txt").exists(), "{answer:?}");
    let more = client.listen(Duration::from_millis(50));
    assert!(more.iter().all(|message| message["method"] != "elicitation/create"), "{more:?}");
}

#[test]
fn no_and_the_users_words_reach_the_agent() {
    let mock = toucher();
    let project = project(&mock);
    let mut client = begin(&project);
    for _ in 0..2 {
        let asked = question(&mut client);
        client.answer_to(&asked, &accept("no"));
    }
    let answer = client.answer("task");
    assert!(answer.text().contains("the user said:\nuse mkdir"), "{answer:?}");
    assert!(!project.dir().join("made.txt").exists());
}

#[test]
fn a_client_that_declines_or_errs_or_shows_no_forms_refuses() {
    let mock = toucher();
    for result in [json!({"action": "decline"}), json!({"action": "cancel"}), json!({"action": "accept"})] {
        let project = project(&mock);
        let mut client = begin(&project);
        for _ in 0..2 {
            let asked = question(&mut client);
            client.answer_to(&asked, &result);
        }
        let answer = client.answer("task");
        assert!(answer.text().contains("but you haven't granted it yet"), "{result}: {answer:?}");
        assert!(!project.dir().join("made.txt").exists());
    }
    let project = project(&mock);
    let mut client = Client::greet(&project);
    let answer = client.ask("Task", &task("worker", "Make made.txt"));
    assert!(answer.text().contains("but you haven't granted it yet"), "{answer:?}");
}

#[test]
fn a_question_is_taken_back_when_its_call_is_cancelled() {
    let mock = toucher();
    let project = project(&mock);
    let mut client = begin(&project);
    let asked = question(&mut client);
    client.send(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "task", "reason": "x"},
    }));
    let taken_back = client.notification("notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], asked["id"]);
}
