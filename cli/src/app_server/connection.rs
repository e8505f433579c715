//! Lines to and from the app-server. Tasks of their own read and write, so that neither end can block the other.

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::message::Message;
use crate::fault::Fault;
use crate::render::clean::one_line;
use crate::render::width::cut;

/// Bytes of one line: Codex sends whole outputs of commands in one.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Messages that wait for being read. Codex waits when there are more.
const INCOMING_MAX: usize = 256;
/// Columns of a line that is shown because it is none of the protocol's.
const SHOWN_COLUMNS_MAX: usize = 120;
/// JSON-RPC's code for a request that nobody answers here.
const NO_SUCH_METHOD: i64 = -32_601;

/// Why nothing more can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Codex has closed its output.
    Ended,
    /// A line is none of the protocol's.
    Nonsense(String),
    /// The system could not read.
    Unreadable(String),
}

/// See the module. Dropping it closes Codex's input, at which it ends.
pub(super) struct Connection {
    incoming: mpsc::Receiver<Result<Message, Broken>>,
    /// Holds no more than the answers to what Codex asks.
    outgoing: mpsc::UnboundedSender<String>,
    requests: u64,
}

impl Connection {
    /// Speaks through these; inside of tokio.
    pub(super) fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (read, incoming) = mpsc::channel(INCOMING_MAX);
        let (outgoing, to_write) = mpsc::unbounded_channel();
        let io = Handle::current();
        // Both end with the connection or with Codex.
        drop(io.spawn(read_lines(reader, read)));
        drop(io.spawn(write_lines(writer, to_write)));
        Self { incoming, outgoing, requests: 0 }
    }

    /// The next message.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Message, Broken> {
        self.incoming.recv().await.unwrap_or(Err(Broken::Ended))
    }

    /// Asks for something; the answer comes with this number.
    pub(super) fn request(&mut self, method: &str, params: &Value) -> u64 {
        self.requests += 1;
        self.send(&json!({"id": self.requests, "method": method, "params": params}));
        self.requests
    }

    /// Tells something.
    pub(super) fn notify(&self, method: &str) {
        self.send(&json!({"method": method}));
    }

    /// Answers a request of Codex.
    pub(super) fn answer(&self, id: &Value, result: &Value) {
        self.send(&json!({"id": id, "result": result}));
    }

    /// Answers a request that is not known here.
    pub(super) fn refuse(&self, id: &Value, method: &str) {
        let message = format!("{method} is not answered by codex-task");
        self.send(&json!({"id": id, "error": {"code": NO_SUCH_METHOD, "message": message}}));
    }

    fn send(&self, message: &Value) {
        // When Codex is gone, the end of its output says so.
        let _ = self.outgoing.send(message.to_string());
    }
}

async fn read_lines(reader: impl AsyncRead + Unpin, read: mpsc::Sender<Result<Message, Broken>>) {
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let message = match (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) => Err(Broken::Ended),
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                if text.trim().is_empty() {
                    continue;
                }
                Message::parse(&text).ok_or_else(|| nonsense(&text))
            }
            Err(error) => Err(Broken::Unreadable(error.to_string())),
        };
        let is_last = message.is_err();
        if read.send(message).await.is_err() || is_last {
            return;
        }
    }
}

fn nonsense(text: &str) -> Broken {
    // Of a huge line the beginning is enough.
    let beginning: String = text.chars().take(SHOWN_COLUMNS_MAX * 4).collect();
    Broken::Nonsense(cut(&one_line(&beginning), SHOWN_COLUMNS_MAX))
}

async fn write_lines(mut writer: impl AsyncWrite + Unpin, mut to_write: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = to_write.recv().await {
        line.push('\n');
        if writer.write_all(line.as_bytes()).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Ended => Self::new("Codex ended before the turn was over")
                .suggest("check that `codex exec` works in this directory, and that Codex is 0.169 or newer"),
            Broken::Nonsense(line) => Self::new("what Codex's app-server said cannot be understood")
                .because(format!("it printed: {line}"))
                .suggest("check that --codex is the Codex CLI, 0.169 or newer"),
            Broken::Unreadable(error) => {
                Self::new("Codex's app-server cannot be read").because(error).suggest("try again")
            }
        }
    }
}
