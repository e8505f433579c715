//! One connection: requests in, answers out, until one of them ends it.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::request::Request;
use super::send::{Sending, Then};
use super::server::{Door, Shared};
use crate::Call;

/// Serves a connection to its end.
pub(super) async fn serve(mut stream: TcpStream, door: Door, shared: Arc<Shared>) {
    // Neither can fail on a connection that is there; what follows would.
    let _ = stream.set_nodelay(true);
    match door {
        Door::Opens => {}
        Door::Resets => return reset(&stream),
        Door::Ignores => {
            while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
            return;
        }
    }
    let mut buffer = Vec::new();
    while let Some(request) = Request::read(&mut stream, &mut buffer).await {
        match answer(&mut stream, request, &shared).await {
            Ok(Then::Stays) => {}
            // An error says that the client has gone, which is its right.
            Ok(Then::Closes) | Err(_) => return,
            Ok(Then::Resets) => return reset(&stream),
        }
    }
}

async fn answer(stream: &mut TcpStream, request: Request, shared: &Shared) -> std::io::Result<Then> {
    if request.path.ends_with("/models") {
        let body = json!({"object": "list", "data": [{"id": "mock-model"}]}).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(&Bytes::from(head + &body)).await?;
        return Ok(Then::Stays);
    }
    let call = Call {
        format: shared.format,
        nth: shared.next(),
        path: request.path,
        headers: request.headers,
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    };
    let turn = shared.turn(&call);
    if !turn.think.is_zero() {
        tokio::time::sleep(turn.think).await;
    }
    Sending { stream, call: &call, turn: &turn }.send().await
}

/// The connection ends with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger(); // without it the connection just ends
}
