//! A client by hand: it writes JSON-RPC lines, and fails at once when anything else than the protocol comes back.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::project::{Project, binary, wait_until};

/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running server and what it has said so far.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// What came while something else was waited for.
    heard: Vec<Value>,
    _project: Project,
}

impl Client {
    /// Starts the server and greets it as `client`.
    pub(crate) fn greet_as(project: &Project, client: &str, arguments: &[&str]) -> Self {
        let mut command = project.command(binary());
        command.arg("mcp").args(arguments);
        let mut greeted = Self::start(project, &mut command);
        greeted.initialize("2025-06-18", client);
        greeted.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        greeted
    }

    /// Starts the server and greets it as somebody whom it does not know.
    pub(crate) fn greet(project: &Project) -> Self {
        Self::greet_as(project, "a-client", &[])
    }

    /// Starts the server and greets it as a client that shows forms.
    pub(crate) fn greet_showing_forms(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command(binary());
        command.arg("mcp").args(arguments);
        let mut greeted = Self::start(project, &mut command);
        let capabilities = json!({"elicitation": {"form": {}, "url": {}}});
        greeted.introduce("2025-06-18", "a-client", &capabilities);
        greeted.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        greeted
    }

    /// Answers a question of the server's.
    pub(crate) fn answer_to(&mut self, question: &Value, result: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
    }

    /// Starts a server in a project.
    pub(crate) fn start(project: &Project, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.expect("UTF-8");
                let message: Value =
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
                if heard.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, heard: Vec::new(), _project: project.clone() }
    }

    /// Sends `initialize` and gives its result.
    pub(crate) fn initialize(&mut self, version: &str, client: &str) -> Value {
        self.introduce(version, client, &json!({}))
    }

    fn introduce(&mut self, version: &str, client: &str, capabilities: &Value) -> Value {
        let parameters = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": client, "version": "1.0.0"},
        });
        self.request("initialize", &parameters)
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// Sends a line, whatever it is.
    pub(crate) fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| stdin.flush())
            .expect("the server reads");
    }

    /// Sends a request under its method's name and gives its result.
    pub(crate) fn request(&mut self, method: &str, parameters: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": method, "method": method, "params": parameters}));
        self.reply(&json!(method))["result"].clone()
    }

    /// Calls a tool under an id of the caller's choice; the answer is waited for elsewhere.
    pub(crate) fn call(&mut self, id: impl Into<Value>, tool: &str, arguments: &Value) {
        self.call_with(id, tool, arguments, &json!({}));
    }

    /// As [`Client::call`], with metadata.
    pub(crate) fn call_with(&mut self, id: impl Into<Value>, tool: &str, arguments: &Value, meta: &Value) {
        self.send(&json!({
            "jsonrpc": "2.0", "id": id.into(), "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": meta},
        }));
    }

    /// Calls a tool and gives its answer.
    pub(crate) fn ask(&mut self, tool: &str, arguments: &Value) -> Answer {
        self.ask_with(tool, arguments, &json!({}))
    }

    /// As [`Client::ask`], with metadata.
    pub(crate) fn ask_with(&mut self, tool: &str, arguments: &Value, meta: &Value) -> Answer {
        self.call_with("ask", tool, arguments, meta);
        self.answer("ask")
    }

    /// The answer to a call.
    pub(crate) fn answer(&mut self, id: impl Into<Value>) -> Answer {
        Answer::of(&self.reply(&id.into()))
    }

    /// The response to a request.
    pub(crate) fn reply(&mut self, id: &Value) -> Value {
        self.wait_for(&format!("the reply to {id}"), |message| message.get("id") == Some(id))
    }

    /// The next notification of a method.
    pub(crate) fn notification(&mut self, method: &str) -> Value {
        self.wait_for(method, |message| message["method"] == method)
    }

    /// The next message that is wanted; what comes before stays to be waited for.
    pub(crate) fn wait_for(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.heard.iter().position(&is_wanted) {
            return self.heard.remove(place);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    check(&message);
                    if is_wanted(&message) {
                        return message;
                    }
                    self.heard.push(message);
                }
                Err(error) => panic!("waited in vain for {what} ({error}); heard {:?}", self.heard),
            }
        }
    }

    /// Everything that comes within this time, and everything that came before and was not waited for.
    pub(crate) fn listen(&mut self, time: Duration) -> Vec<Value> {
        let until = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    check(&message);
                    self.heard.push(message);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return std::mem::take(&mut self.heard);
                }
            }
        }
    }

    /// The server's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes stdin.
    pub(crate) fn hang_up(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits for the end of the process, and tells how long that took.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let mut status = None;
        wait_until("the server ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        (status.expect("it has ended"), began.elapsed())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fails unless the message is one that JSON-RPC allows a server.
pub(crate) fn check(message: &Value) {
    let object = message.as_object().unwrap_or_else(|| panic!("not an object: {message}"));
    assert_eq!(object.get("jsonrpc"), Some(&json!("2.0")), "{message}");
    let kinds = ["result", "error", "method"].iter().filter(|kind| object.contains_key(**kind)).count();
    assert_eq!(kinds, 1, "neither a response nor a notification: {message}");
    let known = ["jsonrpc", "id", "result", "error", "method", "params"];
    assert!(object.keys().all(|key| known.contains(&key.as_str())), "unknown keys: {message}");
    // A client that shows forms may be asked; nothing else is asked of it.
    if message["method"] == "elicitation/create" {
        return assert!(object.contains_key("id"), "a question that nobody can answer: {message}");
    }
    // An error that belongs to no request has no id, and nothing else that we do not ask.
    let has_id = object.contains_key("id");
    let is_right =
        if object.contains_key("result") { has_id } else { !has_id || object.contains_key("error") };
    assert!(is_right, "a response without an id, or a request of ours: {message}");
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) blocks: Vec<String>,
    pub(crate) is_error: bool,
}

impl Answer {
    /// Fails unless the response is a tool result of texts and nothing else.
    pub(crate) fn of(reply: &Value) -> Self {
        let result = reply.get("result").unwrap_or_else(|| panic!("not a result: {reply}"));
        let object = result.as_object().expect("an object");
        assert!(object.keys().all(|key| ["content", "isError"].contains(&key.as_str())), "{result}");
        let text = |block: &Value| {
            assert_eq!(
                (&block["type"], block.as_object().map(serde_json::Map::len)),
                (&json!("text"), Some(2))
            );
            block["text"].as_str().expect("a text").to_owned()
        };
        Self {
            blocks: object["content"].as_array().expect("blocks").iter().map(text).collect(),
            is_error: object.get("isError").is_some_and(|is_error| is_error.as_bool().expect("a boolean")),
        }
    }

    /// The first block.
    pub(crate) fn text(&self) -> &str {
        &self.blocks[0]
    }

    /// The id of the agent, as the answer names it.
    pub(crate) fn agent_id(&self) -> String {
        let text = self.blocks.join("\n");
        let (_, rest) = text.split_once("agentId: ").unwrap_or_else(|| panic!("no agentId in {text}"));
        rest.split_whitespace().next().expect("an id").to_owned()
    }
}

/// A call of `Task` with this agent and this prompt.
pub(crate) fn task(agent: &str, prompt: &str) -> Value {
    json!({"subagent_type": agent, "prompt": prompt, "description": "a story's task"})
}
