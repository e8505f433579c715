//! A server on loopback that says one thing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Listens until the test process ends.
pub(super) struct Server {
    pub(super) port: u16,
}

impl Server {
    /// Answers every request with this status and this JSON.
    pub(super) fn answering(status: &'static str, json: &'static str) -> Self {
        Self::start(move |mut stream| {
            read_request(&stream);
            let length = json.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
            );
            // A client that has left needs no answer.
            let _ = write!(stream, "{head}connection: close\r\n\r\n{json}");
        })
    }

    /// Takes every request and closes the connection.
    pub(super) fn hanging_up() -> Self {
        Self::start(|stream| read_request(&stream))
    }

    fn start(serve: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
        Self { port }
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn read_request(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    for line in reader.by_ref().lines().map_while(Result::ok) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line.is_empty() {
            break;
        }
    }
    // What the client sends must be read, or closing the connection resets it.
    let _ = reader.take(length).read_to_end(&mut Vec::new());
}
