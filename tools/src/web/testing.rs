//! A server on loopback whose every byte the test decides, and look-ups that answer as the test says.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::resolver::Lookup;

/// Writes the answer to one request, given its path.
type Answer = dyn Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// A running server. Its threads end with the test process.
pub(super) struct TestServer {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    requested: mpsc::UnboundedReceiver<()>,
}

impl TestServer {
    /// A server that answers each request on a connection of its own.
    pub(super) fn start(
        answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (sender, requested) = mpsc::unbounded_channel();
        let (log, answer) = (Arc::clone(&heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer, sender) = (Arc::clone(&log), Arc::clone(&answer), sender.clone());
                thread::spawn(move || serve(stream, &log, &sender, answer.as_ref()));
            }
        });
        Self { address, heads, requested }
    }

    /// A server that gives one body of one kind, whatever the path.
    pub(super) fn always(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::start(move |_, stream| {
            respond(stream, "200 OK", &format!("content-type: {content_type}\r\n"), &body)
        })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Heads of the requests so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Waits for the next request.
    pub(super) async fn requested(&mut self) {
        self.requested.recv().await.unwrap();
    }
}

/// A whole response with its length.
pub(super) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<String>>,
    requested: &mpsc::UnboundedSender<()>,
    answer: &Answer,
) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
    let head = String::from_utf8(bytes).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    log.lock().unwrap().push(head);
    // The test may have ended, or the client have gone: that is their right.
    let _ = requested.send(());
    let _ = answer(&path, &mut stream);
}

/// Gives one answer after the other, the last one again and again.
pub(super) struct ScriptedLookup(Mutex<VecDeque<Vec<IpAddr>>>);

impl ScriptedLookup {
    pub(super) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl Lookup for ScriptedLookup {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(std::future::ready(Ok(answer.unwrap_or_default())))
    }
}
