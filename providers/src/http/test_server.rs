//! A server on loopback whose every byte the test decides.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{BaseUrl, HttpSettings};

/// What a server does with one request: writes, then says whether the connection stays open for another.
pub(crate) type Answer = Box<dyn Fn(&mut TcpStream) -> Next + Send + Sync>;

/// What happens to the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next request is read from it.
    KeepOpen,
    /// It is closed, whatever was promised.
    Close,
    /// Nothing more is sent until the client closes it.
    Hang,
}

/// A running server. Requests get the answers in turn, the last answer again and again.
pub(crate) struct TestServer {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    connections: usize,
    requests: Vec<String>,
}

impl TestServer {
    /// Starts a server on a free port. Its threads end with the test process.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let (shared, answers) = (Arc::clone(&log), Arc::new(answers));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answers) = (Arc::clone(&shared), Arc::clone(&answers));
                log.lock().unwrap().connections += 1;
                thread::spawn(move || serve(stream, &log, &answers));
            }
        });
        Self { address, log }
    }

    /// A server that gives this response to every request.
    pub(crate) fn always(response: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![send(response, Next::KeepOpen)])
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn settings(&self) -> HttpSettings {
        HttpSettings::new(BaseUrl::parse(&self.url()).unwrap(), 8)
    }

    /// Heads and bodies of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().requests.clone()
    }

    /// Connections that were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }
}

/// An answer of fixed bytes.
pub(crate) fn send(response: impl Into<Vec<u8>>, next: Next) -> Answer {
    let response = response.into();
    Box::new(move |stream| {
        // The client may have gone: that is its right.
        let _ = stream.write_all(&response);
        next
    })
}

/// A response with a length.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// The head of a stream, and its body as one chunk; complete only with `0\r\n\r\n` behind it.
pub(crate) fn event_stream(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n",
        body.len()
    )
}

fn serve(mut stream: TcpStream, log: &Mutex<Log>, answers: &[Answer]) {
    stream.set_nodelay(true).unwrap();
    while let Some(request) = read_request(&mut stream) {
        let index = {
            let mut log = log.lock().unwrap();
            log.requests.push(request);
            (log.requests.len() - 1).min(answers.len() - 1)
        };
        match answers[index](&mut stream) {
            Next::KeepOpen => {}
            Next::Close => return,
            Next::Hang => {
                let _ = stream.read(&mut [0]);
                return;
            }
        }
    }
}

/// Head and body of a request, or `None` when the client closes the connection.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}
