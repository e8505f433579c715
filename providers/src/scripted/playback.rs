//! An answer as a stream: pieces, waits, and what goes wrong among them.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures_util::stream;
use tokio::time::sleep;

use super::{Fault, FaultKind};
use crate::{AssistantPart, ChatEvent, ChatReply, ChatStream, ProviderError, RateLimits};

/// Shortest piece of a text, in bytes, where white space allows: about two words.
const PIECE_BYTES_MIN: usize = 10;

/// How fast an answer comes.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Before its first piece.
    pub(super) first_token: Duration,
    /// Between two pieces.
    pub(super) between: Duration,
}

/// One thing that happens.
enum Step {
    Wait(Duration),
    Say(ChatEvent),
    Fail(ProviderError),
    Hang,
    Panic,
}

/// The stream of a reply that was accepted. A fault comes after its bytes, or at the end when the reply is shorter.
pub(super) fn play(
    reasoning: Option<&str>,
    reply: ChatReply,
    pace: Pace,
    fault: Option<Fault>,
) -> ChatStream {
    let mut pieces = Vec::new();
    if let Some(reasoning) = reasoning {
        pieces.extend(split(reasoning).map(|piece| (piece.len(), ChatEvent::Reasoning(piece.to_owned()))));
    }
    for part in &reply.turn.parts {
        match part {
            AssistantPart::Text { text } => {
                pieces.extend(split(text).map(|piece| (piece.len(), ChatEvent::Text(piece.to_owned()))));
            }
            AssistantPart::ToolCall(call) => {
                pieces.push((0, ChatEvent::ToolCallStarted { name: call.name.to_string() }));
                let bytes = call.arguments.len();
                pieces.push((bytes, ChatEvent::ToolArguments { bytes }));
            }
        }
    }
    let (pieces, ending) = match fault {
        None => (pieces, Step::Say(ChatEvent::Finished(Box::new(reply)))),
        Some(fault) => (cut(pieces, fault.after_bytes.unwrap_or_default()), ending(fault.kind)),
    };
    let mut steps = VecDeque::from([Step::Say(ChatEvent::Started { rates: RateLimits::default() })]);
    let mut wait = pace.first_token;
    for (_, event) in pieces {
        steps.extend([Step::Wait(wait), Step::Say(event)]);
        wait = pace.between;
    }
    steps.extend([Step::Wait(wait), ending]);
    Box::pin(stream::unfold(steps, |mut steps| async move {
        loop {
            match steps.pop_front()? {
                Step::Wait(Duration::ZERO) => {}
                Step::Wait(wait) => sleep(wait).await,
                Step::Say(event) => return Some((Ok(event), steps)),
                Step::Fail(error) => return Some((Err(error), VecDeque::new())),
                Step::Hang => pending().await,
                Step::Panic => panic_on_purpose(),
            }
        }
    }))
}

/// The panic that a scenario asks for.
#[expect(clippy::panic, reason = "the fault that the scenario asks for")]
pub(super) fn panic_on_purpose() -> ! {
    panic!("the scenario asks for a panic");
}

fn ending(kind: FaultKind) -> Step {
    match kind {
        FaultKind::Error(error) => Step::Fail(error),
        FaultKind::Hang => Step::Hang,
        FaultKind::Panic => Step::Panic,
    }
}

/// A text in pieces of whole words; together they are the text.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends_piece = |(at, c): &(usize, char)| *at >= PIECE_BYTES_MIN && c.is_whitespace();
        let end = rest.char_indices().find(ends_piece).map_or(rest.len(), |(at, c)| at + c.len_utf8());
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        Some(piece)
    })
}

/// The pieces up to a number of bytes; the last one is cut, at a character.
fn cut(pieces: Vec<(usize, ChatEvent)>, bytes_max: usize) -> Vec<(usize, ChatEvent)> {
    let mut left = bytes_max;
    let mut kept = Vec::new();
    for (bytes, event) in pieces {
        if left == 0 {
            break;
        }
        let room = left.min(bytes);
        let event = match event {
            ChatEvent::Text(text) => ChatEvent::Text(beginning(text, room)),
            ChatEvent::Reasoning(text) => ChatEvent::Reasoning(beginning(text, room)),
            ChatEvent::ToolArguments { .. } => ChatEvent::ToolArguments { bytes: room },
            other => other,
        };
        kept.push((room, event));
        left -= room;
    }
    kept
}

fn beginning(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}
