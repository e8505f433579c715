//! Answers on their way, with what goes wrong on it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::frames;
use super::{ErrorBody, Fault, Place, Turn, gzip};
use crate::Call;

const STREAM: &str = "content-type: text/event-stream\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";
const CLOSING: &str = "connection: close\r\n";
/// A reset overtakes what was not read yet.
const BEFORE_RESET: Duration = Duration::from_millis(20);
const PIECE_BYTES: usize = 64 << 10;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It waits for the next request.
    Stays,
    /// It ends.
    Closes,
    /// It is reset.
    Resets,
}

/// One answer.
pub(super) struct Sending<'a> {
    pub(super) stream: &'a mut TcpStream,
    pub(super) call: &'a Call,
    pub(super) turn: &'a Turn,
}

impl Sending<'_> {
    /// Answers as the turn says.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn send(mut self) -> io::Result<Then> {
        match self.turn.fault.clone() {
            Fault::None
            | Fault::Bytewise
            | Fault::OtherModel(_)
            | Fault::Nothing
            | Fault::Doubled
            | Fault::Reversed
            | Fault::Pauses
            | Fault::BadJson
            | Fault::ErrorEvent => self.whole().await,
            Fault::Late(wait) => {
                tokio::time::sleep(wait).await;
                self.whole().await
            }
            Fault::Reset => Ok(Then::Resets),
            Fault::Silent => self.hang().await,
            Fault::CutHeaders => self.raw("HTTP/1.1 200 OK\r\ncontent-ty", b"").await,
            Fault::ResetAt(place) => {
                self.part(place).await?;
                tokio::time::sleep(BEFORE_RESET).await;
                Ok(Then::Resets)
            }
            Fault::EndsAt(place) => {
                self.part(place).await?;
                self.stream.write_all(b"0\r\n\r\n").await?;
                Ok(Then::Stays)
            }
            Fault::StallsAt(place) => {
                self.part(place).await?;
                self.hang().await
            }
            Fault::Drips { bytes, every } => self.drip(self.body(), bytes, every).await,
            Fault::Comments { every } => self.drip(b": wait\n\n".to_vec(), 8, every).await,
            Fault::BadChunk => self.raw(&head(STREAM, CHUNKED), b"what is this\r\n").await,
            Fault::LongLength => self.length(|length| length + 100).await,
            Fault::ShortLength => self.length(|length| length / 2).await,
            Fault::CutGzip => self.compressed(&gzip::cut(&self.body())).await,
            Fault::GzipBomb(bytes) => self.compressed(&gzip::bomb(bytes)).await,
            Fault::HugeDocument(bytes) => self.huge_document(bytes).await,
            Fault::HugeStream(bytes) => self.huge_stream(bytes).await,
            Fault::HugeEvent(bytes) => {
                self.stream.write_all(head(STREAM, CLOSING).as_bytes()).await?;
                self.stream.write_all(b"data: ").await?;
                self.filler(bytes, &vec![b'x'; PIECE_BYTES]).await
            }
            Fault::Html => {
                let page = "<html><head><title>Sign in</title></head><body>first</body></html>";
                self.reply("200 OK", "content-type: text/html\r\n", page.as_bytes()).await
            }
            Fault::Status { code, headers, body } => self.status(code, &headers, body).await,
            Fault::Redirect(location) => {
                self.reply("302 Found", &format!("location: {location}\r\n"), b"").await
            }
        }
    }

    /// All bytes of the answer.
    fn body(&self) -> Vec<u8> {
        frames(self.call, self.turn).concat()
    }

    async fn whole(&mut self) -> io::Result<Then> {
        let mut bytes = head(STREAM, CHUNKED).into_bytes();
        for piece in frames(self.call, self.turn) {
            bytes.extend(chunk(&piece));
        }
        bytes.extend(b"0\r\n\r\n");
        self.stream.write_all(&bytes).await?;
        Ok(Then::Stays)
    }

    /// The stream up to a place.
    async fn part(&mut self, place: Place) -> io::Result<()> {
        let body = self.body();
        let kept = &body[..place.within(body.len())];
        self.stream.write_all(head(STREAM, CHUNKED).as_bytes()).await?;
        if kept.is_empty() { Ok(()) } else { self.stream.write_all(&chunk(kept)).await }
    }

    /// These bytes again and again, a few at a time, until the client has enough of it.
    async fn drip(&mut self, body: Vec<u8>, bytes: usize, every: Duration) -> io::Result<Then> {
        self.stream.write_all(head(STREAM, CHUNKED).as_bytes()).await?;
        for piece in std::iter::repeat(body.chunks(bytes)).flatten() {
            self.stream.write_all(&chunk(piece)).await?;
            tokio::time::sleep(every).await;
        }
        Ok(Then::Closes)
    }

    async fn length(&mut self, stated: impl Fn(usize) -> usize) -> io::Result<Then> {
        let body = self.body();
        let length = format!("content-length: {}\r\n", stated(body.len()));
        self.raw(&head(STREAM, &length), &body).await
    }

    async fn compressed(&mut self, body: &[u8]) -> io::Result<Then> {
        let headers = format!("{STREAM}content-encoding: gzip\r\n");
        self.reply("200 OK", &headers, body).await
    }

    async fn huge_document(&mut self, bytes: usize) -> io::Result<Then> {
        let head = head("content-type: application/json\r\n", &format!("content-length: {bytes}\r\n"));
        self.stream.write_all(head.as_bytes()).await?;
        self.filler(bytes, &vec![b' '; PIECE_BYTES]).await
    }

    /// The beginning of an answer, and one piece of its text again and again.
    async fn huge_stream(&mut self, bytes: usize) -> io::Result<Then> {
        let turn = Turn::text("x".repeat(3 * PIECE_BYTES));
        let frames = frames(self.call, &turn);
        let (opening, rest) = frames.split_at(frames.len() / 2);
        self.stream.write_all(head(STREAM, CLOSING).as_bytes()).await?;
        self.stream.write_all(&opening.concat()).await?;
        self.filler(bytes, &rest[0]).await
    }

    async fn status(
        &mut self,
        code: u16,
        headers: &[(&'static str, String)],
        body: ErrorBody,
    ) -> io::Result<Then> {
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (kind, body) = match body {
            ErrorBody::Vendor => {
                let body = self.call.format.error_body(code, "the server is told to say this");
                ("application/json", body.to_string().into_bytes())
            }
            ErrorBody::Html => ("text/html", b"<html><title>Bad gateway</title></html>".to_vec()),
            ErrorBody::Empty => ("text/plain", Vec::new()),
            ErrorBody::Bytes(count) => ("text/plain", vec![b'x'; count]),
        };
        self.reply(&format!("{code} Told"), &format!("content-type: {kind}\r\n{}", headers.concat()), &body)
            .await
    }

    /// A response with its length.
    async fn reply(&mut self, status: &str, headers: &str, body: &[u8]) -> io::Result<Then> {
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        Ok(Then::Stays)
    }

    /// These bytes, whatever they promise, and the end of the connection.
    async fn raw(&mut self, head: &str, body: &[u8]) -> io::Result<Then> {
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        Ok(Then::Closes)
    }

    /// A piece again and again, until so many bytes were sent.
    async fn filler(&mut self, bytes: usize, piece: &[u8]) -> io::Result<Then> {
        for _ in 0..bytes.div_ceil(piece.len()) {
            self.stream.write_all(piece).await?;
        }
        Ok(Then::Closes)
    }

    /// Silence until the client goes.
    async fn hang(&mut self) -> io::Result<Then> {
        while self.stream.read(&mut [0; 64]).await? > 0 {}
        Ok(Then::Closes)
    }
}

fn head(kind: &str, framing: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{kind}{framing}\r\n")
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
