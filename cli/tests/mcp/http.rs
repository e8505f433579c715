//! The server over HTTP: several clients, and nobody without the token.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use codex_task_tests::{Call, Reply};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Answer, check, task};
use crate::project::{Project, binary, model, task_of, wait_until};

pub(crate) const TOKEN: &str = "a-token-of-the-story-0123";

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

/// What came back for one request.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    messages: Vec<Value>,
}

/// A client with a session of its own.
pub(crate) struct HttpClient {
    pub(crate) address: String,
    pub(crate) session: String,
}

impl Server {
    fn start(project: &Project) -> Self {
        Self::start_with(project, &[])
    }

    pub(crate) fn start_with(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command(binary());
        command.args(["mcp", "--http", "--port", "0"]).args(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("its address");
        let address = line.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp"));
        Self { child, address: address.unwrap_or_else(|| panic!("no address: {line}")).to_owned() }
    }

    fn greet(&self) -> HttpClient {
        self.greet_with(&json!({}))
    }

    pub(crate) fn greet_with(&self, capabilities: &Value) -> HttpClient {
        let parameters = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": capabilities,
            "clientInfo": {"name": "a-client", "version": "1.0.0"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": parameters});
        let response = send(&self.address, &[], &body);
        assert_eq!(response.status, 200, "{}", response.head);
        let session = response.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        let client =
            HttpClient { address: self.address.clone(), session: session.expect("a session").to_owned() };
        let ready = client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        assert_eq!(ready.status, 202);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HttpClient {
    pub(crate) fn send(&self, body: &Value) -> Response {
        send(&self.address, &[("mcp-session-id", &self.session)], body)
    }

    pub(crate) fn ask(&self, id: &str, tool: &str, arguments: &Value) -> Answer {
        let parameters = json!({"name": tool, "arguments": arguments});
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": parameters});
        let response = self.send(&body);
        let reply = response.messages.iter().find(|message| message["id"] == id);
        Answer::of(reply.unwrap_or_else(|| panic!("no reply: {} {:?}", response.head, response.messages)))
    }
}

/// Sends a message as a client with the token does, with these headers besides.
pub(crate) fn send(address: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let bearer = format!("Bearer {TOKEN}");
    let mut all = vec![("host", address), ("authorization", &bearer)];
    all.retain(|(name, _)| !headers.iter().any(|(own, _)| own == name));
    all.extend_from_slice(headers);
    post(address, "/mcp", &all, &body.to_string())
}

fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
    let headers =
        headers.iter().fold(String::new(), |lines, (name, value)| format!("{lines}{name}: {value}\r\n"));
    let request = format!(
        "POST {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("UTF-8, and an end");
    let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = if head.contains("transfer-encoding: chunked") { unchunked(rest) } else { rest.to_owned() };
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| !line.is_empty());
    let messages: Vec<Value> = data.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    messages.iter().for_each(check);
    Response { status, head: head.to_owned(), messages }
}

fn unchunked(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        text.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").unwrap_or_default();
    }
    text
}

pub(crate) fn project(
    respond: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (codex_task_tests::Mock, Project) {
    let mock = model(respond);
    let project = Project::on(&mock).variable("CODEX_TASK_MCP_TOKEN", TOKEN);
    (mock, project)
}

#[test]
fn several_clients_have_one_server_and_each_its_own_answers() {
    let (mock, project) = project(|call| {
        Reply::After(Duration::from_millis(300), Box::new(Reply::text(format!("did {}", task_of(call)))))
    });
    let server = Server::start(&project);
    let clients: Vec<HttpClient> = (0..3).map(|_| server.greet()).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (n, client) in clients.iter().enumerate() {
            for m in 0..3 {
                scope.spawn(move || {
                    let answer =
                        client.ask(&format!("{m}"), "Task", &task("general-purpose", &format!("{n} {m}")));
                    assert_eq!(answer.text(), format!("did {n} {m}"));
                });
            }
        }
    });
    assert!(began.elapsed() < Duration::from_millis(2_500), "side by side: {:?}", began.elapsed());
    assert_eq!(mock.calls().len(), 9);
    let tools = clients[0].send(&json!({"jsonrpc": "2.0", "id": "list", "method": "tools/list"}));
    let reply = tools.messages.iter().find(|message| message["id"] == "list").expect("a reply");
    assert_eq!(reply["result"]["tools"].as_array().map(Vec::len), Some(3));
}

#[test]
fn whoever_has_no_token_or_comes_from_elsewhere_is_sent_away() {
    let (mock, project) = project(|_| Reply::text("never"));
    let server = Server::start(&project);
    let address = server.address.as_str();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let right = format!("Bearer {TOKEN}");
    for (path, headers, status) in [
        ("/mcp", vec![("host", address)], 401),
        ("/mcp", vec![("host", address), ("authorization", "Bearer wrong-token-of-somebody")], 401),
        ("/", vec![("host", address)], 401),
        ("/", vec![("host", address), ("authorization", &right)], 404),
        ("/mcp", vec![("host", "evil.example"), ("authorization", &right)], 403),
        ("/mcp", vec![("host", address), ("origin", "https://evil.example"), ("authorization", &right)], 403),
        ("/mcp", vec![("host", address), ("origin", "null"), ("authorization", &right)], 403),
    ] {
        let response = post(address, path, &headers, &body);
        assert_eq!(response.status, status, "{path} {headers:?}");
        assert!(!response.head.contains(TOKEN));
    }
    assert!(mock.calls().is_empty());
}

#[cfg(unix)]
#[test]
fn a_server_without_a_token_makes_one_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let mock = model(|_| Reply::text("never"));
    let project = Project::on(&mock);
    let server = Server::start(&project);
    let path = project.home().join(".local/state/codex-task/mcp-token");
    let mode = std::fs::metadata(&path).expect("it is made").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let token = std::fs::read_to_string(&path).expect("it is ours");
    let bearer = format!("Bearer {}", token.trim());
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let parameters = [("authorization", bearer.as_str()), ("mcp-session-id", "nobody")];
    assert_eq!(send(&server.address, &parameters, &body).status, 404, "no such session, but let in");
}

#[cfg(unix)]
#[test]
fn a_cancelled_call_ends_its_agent_and_a_signal_ends_everything_within_a_second() {
    let (mock, project) = project(|_| Reply::Hangs);
    let mut server = Server::start(&project);
    let client = server.greet();
    let mut background = task("general-purpose", "hangs");
    background["run_in_background"] = json!(true);
    let id = client.ask("one", "Task", &background).agent_id();
    assert!(!id.is_empty());
    let call = json!({
        "jsonrpc": "2.0", "id": "two", "method": "tools/call",
        "params": {"name": "Task", "arguments": task("general-purpose", "hangs too")},
    });
    std::thread::scope(|scope| {
        let calling = scope.spawn(|| client.send(&call));
        wait_until("both are at the model", || mock.in_flight() == 2);
        let cancelled = json!({"requestId": "two", "reason": "a story"});
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}));
        wait_until("the call's connection is closed", || mock.in_flight() == 1);
        let began = Instant::now();
        let killed = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
        wait_until("the server has ended", || server.child.try_wait().expect("a child").is_some());
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        wait_until("the last connection is closed", || mock.in_flight() == 0);
        let _ = calling.join(); // its connection was cut off, whatever came of it
    });
}
