//! Answers on their way, with what goes wrong on it.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ErrorBody, Fault, Turn, gzip};
use crate::mock::frame;
use crate::{Call, Format};

const STREAM: &str = "content-type: text/event-stream\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n";
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
        let model = self.call.model();
        match self.turn.fault.clone() {
            Fault::None => self.whole(self.frames(&model)).await,
            Fault::Late(wait) => {
                tokio::time::sleep(wait).await;
                self.whole(self.frames(&model)).await
            }
            Fault::OtherModel(other) => self.whole(self.frames(&other)).await,
            Fault::Bytewise => {
                let body = self.frames(&model).concat();
                self.whole(body.into_iter().map(|byte| Bytes::from(vec![byte])).collect()).await
            }
            Fault::Nothing => self.whole(self.call.format.frames(&model, None, &[], self.call.nth)).await,
            Fault::Doubled => {
                self.whole(self.frames(&model).into_iter().flat_map(|f| [f.clone(), f]).collect()).await
            }
            Fault::Reversed => self.whole(self.frames(&model).into_iter().rev().collect()).await,
            Fault::BadJson => self.whole(self.with_event(&model, bad_json())).await,
            Fault::ErrorEvent => self.whole(self.with_event(&model, error_event(self.call.format))).await,
            Fault::Reset => Ok(Then::Resets),
            Fault::Silent => self.hang().await,
            Fault::CutHeaders => self.raw("HTTP/1.1 200 OK\r\ncontent-ty", b"").await,
            Fault::ResetAt(place) => {
                self.part(&model, place).await?;
                tokio::time::sleep(BEFORE_RESET).await;
                Ok(Then::Resets)
            }
            Fault::EndsAt(place) => {
                self.part(&model, place).await?;
                self.stream.write_all(b"0\r\n\r\n").await?;
                Ok(Then::Stays)
            }
            Fault::StallsAt(place) => {
                self.part(&model, place).await?;
                self.hang().await
            }
            Fault::Drips { bytes, every } => self.drip(self.frames(&model).concat(), bytes, every).await,
            Fault::Comments { every } => self.drip(b": wait\n\n".to_vec(), 8, every).await,
            Fault::BadChunk => self.raw(&head(STREAM, CHUNKED), b"what is this\r\n").await,
            Fault::LongLength => self.length(self.frames(&model).concat(), |length| length + 100).await,
            Fault::ShortLength => self.length(self.frames(&model).concat(), |length| length / 2).await,
            Fault::CutGzip => self.compressed(gzip::cut(&self.frames(&model).concat())).await,
            Fault::GzipBomb(bytes) => self.compressed(gzip::bomb(bytes)).await,
            Fault::HugeDocument(bytes) => {
                let head =
                    head("content-type: application/json\r\n", &format!("content-length: {bytes}\r\n"));
                self.stream.write_all(head.as_bytes()).await?;
                self.filler(bytes, &[b' '; PIECE_BYTES]).await
            }
            Fault::HugeStream(bytes) => {
                let text = "x".repeat(3 * PIECE_BYTES);
                let frames = self.call.format.frames(&model, Some(&text), &[], self.call.nth);
                let (opening, rest) = frames.split_at(frames.len() / 2);
                let unframed = head(STREAM, "connection: close\r\n");
                self.stream.write_all(unframed.as_bytes()).await?;
                self.stream.write_all(&opening.concat()).await?;
                self.filler(bytes, &rest[0]).await
            }
            Fault::HugeEvent(bytes) => {
                self.stream.write_all(head(STREAM, "connection: close\r\n").as_bytes()).await?;
                self.stream.write_all(b"data: ").await?;
                self.filler(bytes, &[b'x'; PIECE_BYTES]).await
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

    fn frames(&self, model: &str) -> Vec<Bytes> {
        self.call.format.frames(model, self.turn.text.as_deref(), &self.turn.tools, self.call.nth)
    }

    /// The frames with this one in their middle.
    fn with_event(&self, model: &str, event: Bytes) -> Vec<Bytes> {
        let mut frames = self.frames(model);
        frames.insert(frames.len() / 2, event);
        frames
    }

    async fn whole(&mut self, pieces: Vec<Bytes>) -> io::Result<Then> {
        let mut bytes = head(STREAM, CHUNKED).into_bytes();
        for piece in &pieces {
            bytes.extend(chunk(piece));
        }
        bytes.extend(b"0\r\n\r\n");
        self.stream.write_all(&bytes).await?;
        Ok(Then::Stays)
    }

    /// The stream up to a place.
    async fn part(&mut self, model: &str, place: super::Place) -> io::Result<()> {
        let body = self.frames(model).concat();
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

    async fn length(&mut self, body: Vec<u8>, stated: impl Fn(usize) -> usize) -> io::Result<Then> {
        let length = format!("content-length: {}\r\n", stated(body.len()));
        self.raw(&head(STREAM, &length), &body).await
    }

    async fn compressed(&mut self, body: Vec<u8>) -> io::Result<Then> {
        let headers = format!("{STREAM}content-encoding: gzip\r\n");
        self.reply("200 OK", &headers, &body).await
    }

    async fn status(
        &mut self,
        code: u16,
        headers: &[(&'static str, String)],
        body: ErrorBody,
    ) -> io::Result<Then> {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (kind, body) = match body {
            ErrorBody::Vendor => {
                let body = self.call.format.error_body(code, "the server is told to say this");
                ("application/json", body.to_string().into_bytes())
            }
            ErrorBody::Html => ("text/html", b"<html><title>Bad gateway</title></html>".to_vec()),
            ErrorBody::Empty => ("text/plain", Vec::new()),
            ErrorBody::Bytes(count) => ("text/plain", vec![b'x'; count]),
        };
        self.reply(&format!("{code} Told"), &format!("content-type: {kind}\r\n{headers}"), &body).await
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

/// An event whose data ends too early.
fn bad_json() -> Bytes {
    Bytes::from_static(b"data: {\"type\": \"content_block_delta\", \"delta\": {\"te\n\n")
}

/// How a vendor says, inside of a stream, that it has failed.
fn error_event(format: Format) -> Bytes {
    let (name, data): (&str, Value) = match format {
        Format::Anthropic => ("error", format.error_body(529, "overloaded")),
        Format::OpenAi => {
            let error = json!({"code": "server_error", "message": "failed"});
            let response = json!({"id": "resp_failed", "status": "failed", "error": error});
            ("response.failed", json!({"type": "response.failed", "response": response}))
        }
        Format::OpenAiChat | Format::Gemini => ("", format.error_body(503, "failed")),
    };
    frame(name, &data)
}
