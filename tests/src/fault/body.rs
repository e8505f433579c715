//! The events of an answer, with what is wrong in them.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::{Fault, Turn};
use crate::mock::frame;
use crate::{Call, Format};

/// The events as they go over the wire, one piece for each.
pub(super) fn frames(call: &Call, turn: &Turn) -> Vec<Bytes> {
    let asked = call.model();
    let model = match &turn.fault {
        Fault::OtherModel(other) => other,
        _ => &asked,
    };
    let text = turn.text.as_deref();
    let whole = || call.format.frames(model, text, &turn.tools, call.nth);
    match &turn.fault {
        Fault::Nothing => call.format.frames(model, None, &[], call.nth),
        Fault::Bytewise => whole().concat().into_iter().map(|byte| Bytes::from(vec![byte])).collect(),
        Fault::Doubled => whole().into_iter().flat_map(|frame| [frame.clone(), frame]).collect(),
        Fault::Reversed => whole().into_iter().rev().collect(),
        Fault::Pauses => whole().iter().map(pausing).collect(),
        Fault::BadJson => with_event(whole(), bad_json()),
        Fault::ErrorEvent => with_event(whole(), error_event(call.format)),
        // What is wrong with these is not in the events.
        _ => whole(),
    }
}

/// The frames with this one in their middle.
fn with_event(mut frames: Vec<Bytes>, event: Bytes) -> Vec<Bytes> {
    frames.insert(frames.len() / 2, event);
    frames
}

fn pausing(frame: &Bytes) -> Bytes {
    String::from_utf8_lossy(frame).replace("\"end_turn\"", "\"pause_turn\"").into()
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
