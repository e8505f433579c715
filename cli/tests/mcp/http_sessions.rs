//! Clients over HTTP that leave, come back, and are asked.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use codex_task_tests::{Call, Mock, Reply};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Answer, task};
use crate::http::{HttpClient, Server, TOKEN, project};
use crate::project::{Project, task_of, wait_until};

/// A connection that stays open, and what comes on it.
struct Open {
    lines: BufReader<TcpStream>,
    /// The number of the last event.
    last: String,
}

impl Open {
    fn request(client: &HttpClient, method: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let mut stream = TcpStream::connect(&client.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
        let headers =
            headers.iter().fold(String::new(), |lines, (name, value)| format!("{lines}{name}: {value}\r\n"));
        let request = format!(
            "{method} /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\nmcp-session-id: {}\r\n\
             {headers}content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {}\r\n\r\n{body}",
            client.address,
            client.session,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut open = Self { lines: BufReader::new(stream), last: String::new() };
        let status = open.line();
        assert!(status.starts_with("HTTP/1.1 20"), "{status}");
        open
    }

    /// Calls `Task`.
    fn call(client: &HttpClient, id: &str, arguments: &Value) -> Self {
        let params = json!({"name": "Task", "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        Self::request(client, "POST", &[], &call.to_string())
    }

    /// Listens to whatever comes.
    fn listen(client: &HttpClient) -> Self {
        Self::request(client, "GET", &[], "")
    }

    /// Takes a connection up again that was cut after this event.
    fn resume(client: &HttpClient, last: &str) -> Self {
        Self::request(client, "GET", &[("last-event-id", last)], "")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).expect("UTF-8 in time"), 0, "the connection has ended");
        line.trim().to_owned()
    }

    /// The number of the next event.
    fn event(&mut self) -> String {
        while self.last.is_empty() {
            let line = self.line();
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.last);
            }
        }
        self.last.clone()
    }

    /// The next message.
    fn message(&mut self) -> Value {
        loop {
            let line = self.line();
            if let Some(data) = line.strip_prefix("data: ").filter(|data| !data.is_empty()) {
                return serde_json::from_str(data).expect("JSON");
            }
        }
    }
}

fn in_background(prompt: &str) -> Value {
    let mut arguments = task("general-purpose", prompt);
    arguments["run_in_background"] = json!(true);
    arguments
}

fn hangs(_: &Call) -> Reply {
    Reply::Hangs
}

#[test]
fn a_session_that_its_client_ends_takes_its_tasks_along_and_no_others() {
    let (mock, project) = project(hangs);
    let server = Server::start_with(&project, &[]);
    let (leaves, stays) = (server.greet_with(&json!({})), server.greet_with(&json!({})));
    leaves.ask("background", "Task", &in_background("hangs"));
    let _call = Open::call(&leaves, "call", &task("general-purpose", "hangs"));
    let id = stays.ask("background", "Task", &in_background("hangs")).agent_id();
    wait_until("three are at the model", || mock.in_flight() == 3);
    let began = Instant::now();
    let _ended = Open::request(&leaves, "DELETE", &[], "");
    wait_until("one is left", || mock.in_flight() == 1);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let state = stays.ask("look", "TaskOutput", &json!({"task_id": id, "block": false}));
    assert!(state.text().contains("<status>running</status>"), "{state:?}");
}

#[test]
fn a_client_that_vanishes_has_cancelled_its_calls_and_its_background_tasks() {
    let (mock, project) = project(hangs);
    let server = Server::start_with(&project, &["--grace", "300ms"]);
    let (leaves, stays) = (server.greet_with(&json!({})), server.greet_with(&json!({})));
    let listening = [Open::listen(&leaves), Open::listen(&stays)];
    leaves.ask("background", "Task", &in_background("hangs"));
    stays.ask("background", "Task", &in_background("hangs"));
    let call = Open::call(&leaves, "call", &task("general-purpose", "hangs"));
    wait_until("three are at the model", || mock.in_flight() == 3);
    let [gone, _kept] = listening;
    let began = Instant::now();
    drop((gone, call));
    wait_until("one is left", || mock.in_flight() == 1);
    assert!(began.elapsed() >= Duration::from_millis(250), "it had time to come back: {:?}", began.elapsed());
}

#[test]
fn an_answer_is_taken_up_again_after_its_connection_was_cut() {
    let (mock, project) = project(|call| {
        let answer = Reply::text(format!("did {}", task_of(call)));
        Reply::After(Duration::from_millis(600), Box::new(answer))
    });
    let server = Server::start_with(&project, &["--grace", "20s"]);
    let client = server.greet_with(&json!({}));
    let mut call = Open::call(&client, "call", &task("general-purpose", "work"));
    let last = call.event();
    wait_until("it is at the model", || mock.in_flight() == 1);
    drop(call);
    let answer = Answer::of(&Open::resume(&client, &last).message());
    assert_eq!(answer.text(), "did work");
    assert_eq!(mock.calls().len(), 1);
}

/// Agents that want to make a file named like their task. Nothing holds their commands, so that they are asked for.
fn asking() -> (Mock, Project) {
    let (mock, project) = project(|call| {
        let command = format!("touch {}", task_of(call));
        let asks = || Reply::tool("Bash", json!({"command": command, "description": "d"}));
        call.tool_results().first().map_or_else(asks, |result| Reply::text(result.clone()))
    });
    let project = project.agent("worker", "description: Works\ntools: Bash\n");
    let config = "local: {probe: false}\nsandbox: danger-full-access\n";
    project.write("home/.config/codex-task/config.yaml", config);
    (mock, project)
}

#[test]
fn the_client_is_asked_that_has_called_and_no_other() {
    let (_mock, project) = asking();
    let server = Server::start_with(&project, &[]);
    let forms = json!({"elicitation": {}});
    let clients = [server.greet_with(&forms), server.greet_with(&forms), server.greet_with(&json!({}))];
    let [yes, no, mute] = &clients;
    let mut calls = [("yes.txt", yes), ("no.txt", no)]
        .map(|(file, client)| Open::call(client, file, &task("worker", file)));
    let questions = calls.each_mut().map(Open::message);
    for ((question, client), (file, answer)) in
        questions.iter().zip([yes, no]).zip([("yes.txt", "allow once"), ("no.txt", "no")])
    {
        let text = question["params"]["message"].as_str().unwrap_or_default();
        assert!(question["method"] == "elicitation/create" && text.contains(file), "{question}");
        let result = json!({"action": "accept", "content": {"answer": answer, "words": "not now"}});
        let reply = json!({"jsonrpc": "2.0", "id": question["id"], "result": result});
        assert_eq!(client.send(&reply).status, 202);
    }
    let answers = calls.each_mut().map(|call| Answer::of(&call.message()));
    assert!(answers[1].text().contains("not now"), "{answers:?}");
    let made = |file: &str| project.dir().join(file).exists();
    assert!(made("yes.txt") && !made("no.txt"), "{answers:?}");
    let refused = mute.ask("call", "Task", &task("worker", "mute.txt"));
    assert!(refused.text().contains("but you haven't granted it yet"), "{refused:?}");
}

#[test]
fn a_task_in_the_background_asks_a_client_that_listens_and_is_refused_by_one_that_does_not() {
    let (_mock, project) = asking();
    let server = Server::start_with(&project, &[]);
    let client = server.greet_with(&json!({"elicitation": {"form": {}}}));
    let launch = |file: &str| {
        let mut arguments = task("worker", file);
        arguments["run_in_background"] = json!(true);
        client.ask(file, "Task", &arguments).agent_id()
    };
    let refused = client.ask("a", "TaskOutput", &json!({"task_id": launch("refused.txt")}));
    assert!(refused.text().contains("but you haven't granted it yet"), "{refused:?}");
    let mut listening = Open::listen(&client);
    let id = launch("made.txt");
    let question = listening.message();
    let result = json!({"action": "accept", "content": {"answer": "allow once"}});
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
    client.ask("b", "TaskOutput", &json!({"task_id": id}));
    assert!(project.dir().join("made.txt").exists(), "{question}");
}
