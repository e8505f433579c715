//! Requests as they come over a connection.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// More than any story sends.
const REQUEST_BYTES_MAX: usize = 64 << 20;

/// One request.
pub(super) struct Request {
    /// Path and query, also of a request that was meant for a proxy.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads the next request of a connection; what was read of the one behind it stays in the buffer. `None` at the end
    /// of the connection, and for what is no request.
    pub(super) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Self> {
        loop {
            if let Some((request, length)) = Self::parse(buffer) {
                buffer.drain(..length);
                return Some(request);
            }
            let read = stream.read_buf(buffer).await.ok()?;
            if read == 0 || buffer.len() > REQUEST_BYTES_MAX {
                return None;
            }
        }
    }

    /// A whole request at the beginning of the buffer, and its length.
    fn parse(buffer: &[u8]) -> Option<(Self, usize)> {
        let head_ends = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&buffer[..head_ends]).ok()?;
        let mut lines = head.split("\r\n");
        let target = lines.next()?.split(' ').nth(1)?;
        let headers: HeaderMap = lines.filter_map(header).collect();
        let length = headers.get("content-length").and_then(|value| value.to_str().ok());
        let ends = head_ends + length.and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
        let body = buffer.get(head_ends..ends)?.to_vec();
        Some((Self { path: path_of(target), headers, body }, ends))
    }
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
}

/// A proxy is asked for a whole address.
fn path_of(target: &str) -> String {
    match target.strip_prefix("http://").and_then(|rest| rest.split_once('/')) {
        Some((_, path)) => format!("/{path}"),
        None => target.to_owned(),
    }
}
