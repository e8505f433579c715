//! The parts of a reply, gathered from its chunks without changing a byte that the server will check.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::stream_wire::{CallPart, PartHead};
use crate::raw_object::RawObject;
use crate::wire_name::wire_name;
use crate::{AssistantPart, ChatEvent, ToolCall};

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct PartList {
    parts: Vec<AssistantPart>,
    echo: Vec<EchoPart>,
}

/// A part to be echoed.
#[derive(Debug)]
enum EchoPart {
    /// Text, or a thought, that came in pieces without anything beside it.
    Pieces { text: String, is_thought: bool },
    /// As it came. A part with a signature is one of these, an empty text with nothing but a signature too: joined
    /// with its neighbours it would no longer match.
    Whole(Arc<RawValue>),
}

impl PartList {
    /// Adds a part; gives what it means to a listener.
    pub(super) fn push(
        &mut self,
        raw: &RawValue,
        response_id: Option<&str>,
    ) -> serde_json::Result<Vec<ChatEvent>> {
        let head: PartHead<'_> = serde_json::from_str(raw.get())?;
        let is_thought = head.thought.unwrap_or(false);
        let is_plain = RawObject::read(raw.get()).is_some_and(|part| part.has_only(&["text", "thought"]));
        match (self.echo.last_mut(), &head.text) {
            (Some(EchoPart::Pieces { text, is_thought: same }), Some(more))
                if is_plain && *same == is_thought =>
            {
                text.push_str(more);
            }
            (_, Some(text)) if is_plain => {
                self.echo.push(EchoPart::Pieces { text: text.to_string(), is_thought });
            }
            _ => self.echo.push(EchoPart::Whole(Arc::from(raw.to_owned()))),
        }
        if let Some(call) = head.function_call {
            return Ok(self.push_call(&call, response_id));
        }
        Ok(vec![match head.text {
            Some(text) if text.is_empty() => ChatEvent::Activity { usage: None },
            Some(text) if is_thought => ChatEvent::Reasoning(text.into_owned()),
            Some(text) => {
                self.push_text(&text);
                ChatEvent::Text(text.into_owned())
            }
            None => ChatEvent::Activity { usage: None },
        }])
    }

    fn push_text(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(AssistantPart::Text { text }) => text.push_str(more),
            Some(AssistantPart::ToolCall(_)) | None => {
                self.parts.push(AssistantPart::Text { text: more.to_owned() });
            }
        }
    }

    fn push_call(&mut self, call: &CallPart<'_>, response_id: Option<&str>) -> Vec<ChatEvent> {
        let arguments = call.args.map_or("{}", RawValue::get);
        let events = vec![
            ChatEvent::ToolCallStarted { name: call.name.to_string() },
            ChatEvent::ToolArguments { bytes: arguments.len() },
        ];
        let id = call.id.as_deref().filter(|id| !id.is_empty());
        let id = id.map_or_else(|| self.made_id(response_id), Arc::from);
        let (name, arguments) = (Arc::from(&*call.name), arguments.to_owned());
        self.parts.push(AssistantPart::ToolCall(ToolCall { id, name, arguments }));
        events
    }

    /// An id for a call that has none: unique in the conversation, since other vendors, who may see it after a
    /// failover, want that.
    fn made_id(&self, response_id: Option<&str>) -> Arc<str> {
        let ordinal = self.parts.len();
        match response_id.map(wire_name).filter(|id| !id.is_empty()) {
            Some(response) => format!("call_{response}_{ordinal}").into(),
            None => format!("call_{:08x}_{ordinal}", rand::random::<u32>()).into(),
        }
    }

    /// Whether two calls have the same id.
    pub(super) fn repeats_a_call(&self) -> bool {
        let ids: Vec<&str> = self.calls().map(|call| &*call.id).collect();
        ids.iter().enumerate().any(|(index, id)| ids.iter().skip(index + 1).any(|other| other == id))
    }

    fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(call),
            AssistantPart::Text { .. } => None,
        })
    }

    /// The neutral parts, and what to echo. Thoughts from which nothing followed, because the reply was cut, are no
    /// turn, and the server refuses empty texts.
    pub(super) fn finish(self) -> serde_json::Result<(Vec<AssistantPart>, Vec<Arc<RawValue>>)> {
        let echo = if self.parts.is_empty() { Vec::new() } else { self.echo };
        let says_something =
            |part: &EchoPart| !matches!(part, EchoPart::Pieces { text, .. } if text.is_empty());
        let echo = echo.into_iter().filter(says_something).map(EchoPart::into_raw);
        let echo = echo.collect::<serde_json::Result<_>>()?;
        Ok((self.parts, echo))
    }
}

impl EchoPart {
    fn into_raw(self) -> serde_json::Result<Arc<RawValue>> {
        match self {
            Self::Pieces { text, is_thought } => {
                let mut part = serde_json::Map::from_iter([("text".to_owned(), text.into())]);
                if is_thought {
                    part.insert("thought".to_owned(), true.into());
                }
                Ok(Arc::from(to_raw_value(&part)?))
            }
            Self::Whole(raw) => Ok(raw),
        }
    }
}
