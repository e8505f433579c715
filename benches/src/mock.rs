//! A Chat Completions server in a process of its own, as fast as one thread can be: it reads a request by its
//! `content-length` and writes a prepared stream of 13 events. The think time in milliseconds stands in the path:
//! `http://127.0.0.1:PORT/t500/v1`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
    let answer: &'static [u8] = Box::leak(answer().into_bytes().into_boxed_slice());
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        // One task for each connection, for as long as the process lives.
        tokio::runtime::Handle::current().spawn(answer_all(connection, answer));
    }
}

async fn answer_all(mut connection: TcpStream, answer: &'static [u8]) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(4_096);
    while let Some((think, length)) = read_request(&mut connection, &mut buffer).await? {
        buffer.drain(..length);
        if !think.is_zero() {
            tokio::time::sleep(think).await;
        }
        connection.write_all(answer).await?;
    }
    Ok(())
}

/// Reads one whole request into the buffer: its think time and its length, or `None` at the end of the connection.
async fn read_request(
    connection: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<(Duration, usize)>> {
    loop {
        if let Some(found) = parse(buffer) {
            return Ok(Some(found));
        }
        if connection.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &[u8]) -> Option<(Duration, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(buffer.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?;
    let think =
        path.strip_prefix("/t").and_then(|rest| rest.split('/').next()).and_then(|ms| ms.parse().ok());
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or_default();
    (buffer.len() >= end + length).then_some((Duration::from_millis(think.unwrap_or_default()), end + length))
}

fn answer() -> String {
    use std::fmt::Write as _;
    let mut body = String::new();
    let mut event = |choices: &str, usage: &str| {
        let data = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"mock","choices":[{choices}]{usage}}}"#
        );
        let _ = write!(body, "data: {data}\n\n"); // writing to a String cannot fail
    };
    for word in ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", "."] {
        event(&format!(r#"{{"index":0,"delta":{{"content":"{word}"}},"finish_reason":null}}"#), "");
    }
    event(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#, "");
    event("", r#","usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}"#);
    body.push_str("data: [DONE]\n\n");
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}")
}
