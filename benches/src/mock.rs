//! A Chat Completions server in a process of its own, as fast as one thread can be: it reads a request by its
//! `content-length` and writes a prepared stream of 13 events. The think time in milliseconds stands in the path:
//! `http://127.0.0.1:PORT/t500/v1`; with `t500c` the first answer of a conversation is a call of [`Ledger`].

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Ledger;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Set in the environment of the child that serves.
const SERVE: &str = "CODEX_TASK_BENCH_MOCK";

/// The server's process; dropping it ends the process.
pub struct MockProcess {
    child: Child,
    port: u16,
}

impl MockProcess {
    /// Starts this very program again, as the server.
    ///
    /// # Errors
    /// When the process cannot be started or does not say its port.
    pub fn start() -> std::io::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).env(SERVE, "1").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(std::io::Error::other)?;
        Ok(Self { child, port })
    }

    /// Base URL for a think time, of conversations that begin with a tool call.
    pub fn calling_url(&self, think: Duration) -> String {
        format!("http://127.0.0.1:{}/t{}c/v1", self.port, think.as_millis())
    }

    /// Base URL for a think time.
    pub fn base_url(&self, think: Duration) -> String {
        format!("http://127.0.0.1:{}/t{}/v1", self.port, think.as_millis())
    }
}

impl Drop for MockProcess {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

/// Serves, when this process was started for that; the first line of every benchmark's `main`. Returns whether it was.
#[expect(clippy::disallowed_methods, reason = "the child is told by its environment what it is")]
pub fn serve_if_asked() -> bool {
    if std::env::var(SERVE).is_err() {
        return false;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map(|runtime| runtime.block_on(serve())) {
        Ok(Ok(())) => true,
        Ok(Err(error)) | Err(error) => {
            println!("{error}");
            true
        }
    }
}

async fn serve() -> std::io::Result<()> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener: TcpListener = socket.listen(16_384)?;
    println!("{}", listener.local_addr()?.port());
    let answers: &'static Answers = Box::leak(Box::new(Answers { text: text(), call: call() }));
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        // One task for each connection, for as long as the process lives.
        tokio::runtime::Handle::current().spawn(answer_all(connection, answers));
    }
}

/// What is answered, whole.
struct Answers {
    text: String,
    call: String,
}

/// What is asked.
struct Request {
    think: Duration,
    /// Whether conversations of its path begin with a call.
    begins_with_call: bool,
    /// Bytes of head and body.
    length: usize,
}

async fn answer_all(mut connection: TcpStream, answers: &'static Answers) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4_096);
    while let Some(Request { think, begins_with_call, length }) =
        read_request(&mut connection, &mut buffer).await?
    {
        let calls = begins_with_call && !has_result(buffer.get(..length).unwrap_or_default());
        buffer.drain(..length);
        if !think.is_zero() {
            tokio::time::sleep(think).await;
        }
        connection.write_all(if calls { &answers.call } else { &answers.text }.as_bytes()).await?;
    }
    Ok(())
}

/// Whether a request tells what a call has come to.
fn has_result(request: &[u8]) -> bool {
    const RESULT: &[u8] = br#""role":"tool""#;
    request.windows(RESULT.len()).any(|window| window == RESULT)
}

/// Reads one whole request into the buffer; `None` at the end of the connection.
async fn read_request(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Request>> {
    loop {
        if let Some(request) = parse(buffer) {
            return Ok(Some(request));
        }
        if connection.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &[u8]) -> Option<Request> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(buffer.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?;
    let kind = path.strip_prefix("/t").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let think = Duration::from_millis(kind.trim_end_matches('c').parse().unwrap_or_default());
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or_default();
    let length = end + length;
    (buffer.len() >= length).then_some(Request { think, begins_with_call: kind.ends_with('c'), length })
}

/// Ten words.
fn text() -> String {
    let words = ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", "."];
    let deltas: Vec<String> = words.iter().map(|word| format!(r#"{{"content":"{word}"}}"#)).collect();
    answer(&deltas, "stop")
}

/// One entry for the ledger.
fn call() -> String {
    let function = format!(r#"{{"name":"{}","arguments":"{{\"key\":\"k\"}}"}}"#, Ledger::NAME);
    let call = format!(r#"{{"index":0,"id":"call_1","type":"function","function":{function}}}"#);
    answer(&[format!(r#"{{"tool_calls":[{call}]}}"#)], "tool_calls")
}

fn answer(deltas: &[String], finish_reason: &str) -> String {
    use std::fmt::Write as _;
    let mut body = String::new();
    let mut event = |choices: &str, usage: &str| {
        let data = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"mock","choices":[{choices}]{usage}}}"#
        );
        let _ = write!(body, "data: {data}\n\n"); // writing to a String cannot fail
    };
    for delta in deltas {
        event(&format!(r#"{{"index":0,"delta":{delta},"finish_reason":null}}"#), "");
    }
    event(&format!(r#"{{"index":0,"delta":{{}},"finish_reason":"{finish_reason}"}}"#), "");
    event("", r#","usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}"#);
    body.push_str("data: [DONE]\n\n");
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}")
}
