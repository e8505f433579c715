//! Tool calls, assembled from the pieces in which they come.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::stream_wire::ToolFragment;
use crate::raw_object::RawObject;
use crate::{AssistantTurn, ChatEvent, ChatRequest, Message, ToolCall};

/// Beginning of the ids that we give to calls without one.
const OWN_ID: &str = "call_";

/// The calls of one turn.
#[derive(Debug)]
pub(super) struct ToolCalls {
    open: Vec<OpenCall>,
    /// Number of the next id of our own.
    next_number: u64,
}

/// A call that is being received, or that is complete.
#[derive(Debug)]
struct OpenCall {
    index: Option<usize>,
    id: String,
    name: String,
    arguments: String,
    /// See [`ToolFragment::extra_content`].
    extra_content: Option<Box<RawValue>>,
}

/// A complete call, with what the server wants back beside it.
#[derive(Debug)]
pub(super) struct DoneCall {
    pub(super) call: ToolCall,
    pub(super) extra_content: Option<Box<RawValue>>,
}

impl ToolCalls {
    /// Ids of our own go on where those of the conversation end: servers that look a result's call up by its id must
    /// not find an older one.
    pub(super) fn after(request: &ChatRequest) -> Self {
        let turns = request.messages.iter().filter_map(|message| match &**message {
            Message::Assistant(turn) => Some(turn),
            Message::User(_) => None,
        });
        let numbers = turns
            .flat_map(AssistantTurn::tool_calls)
            .filter_map(|call| call.id.strip_prefix(OWN_ID).and_then(|number| number.parse::<u64>().ok()));
        let last = numbers.max();
        Self { open: Vec::new(), next_number: last.map_or(0, |number| number.saturating_add(1)) }
    }

    /// Adds a piece; gives the bytes of arguments in it.
    pub(super) fn add(&mut self, fragment: ToolFragment<'_>, out: &mut VecDeque<ChatEvent>) -> usize {
        let ToolFragment { index, id, function, extra_content } = fragment;
        let function = function.unwrap_or_default();
        let (id, name) = (id.as_str(), function.name.as_str());
        let arguments = function.arguments.map(arguments_text).unwrap_or_default();
        let place = self.place(index, id, name, &arguments);
        if place.is_none() {
            self.open.push(OpenCall {
                index,
                id: String::new(),
                name: String::new(),
                arguments: String::new(),
                extra_content: None,
            });
        }
        let last = self.open.len().saturating_sub(1);
        let Some(call) = self.open.get_mut(place.unwrap_or(last)) else { return 0 };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.name.is_empty() && !name.is_empty() {
            name.clone_into(&mut call.name);
            out.push_back(ChatEvent::ToolCallStarted { name: name.to_owned() });
        }
        if !arguments.is_empty() {
            call.arguments.push_str(&arguments);
            out.push_back(ChatEvent::ToolArguments { bytes: arguments.len() });
        }
        if let Some(extra) = extra_content {
            call.extra_content = Some(extra.to_owned());
        }
        arguments.len()
    }

    /// Adds a call that the model wrote as text.
    pub(super) fn add_complete(&mut self, name: String, arguments: String, out: &mut VecDeque<ChatEvent>) {
        out.push_back(ChatEvent::ToolCallStarted { name: name.clone() });
        out.push_back(ChatEvent::ToolArguments { bytes: arguments.len() });
        self.open.push(OpenCall { index: None, id: String::new(), name, arguments, extra_content: None });
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the arguments of all calls are whole: a stream that was cut leaves them open.
    pub(super) fn are_whole(&self) -> bool {
        self.open
            .iter()
            .all(|call| call.arguments.trim().is_empty() || RawObject::read(&call.arguments).is_some())
    }

    /// Completes the calls, each with an id of its own.
    pub(super) fn close(&mut self) -> Vec<DoneCall> {
        let mut done: Vec<DoneCall> = Vec::with_capacity(self.open.len());
        for mut call in std::mem::take(&mut self.open) {
            if call.name.is_empty() && call.arguments.trim().is_empty() {
                continue;
            }
            let is_taken = done.iter().any(|other| *other.call.id == *call.id);
            if call.id.is_empty() || is_taken {
                call.id = format!("{OWN_ID}{}", self.next_number);
                self.next_number += 1;
            }
            if call.arguments.trim().is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            let (id, name) = (Arc::from(call.id), Arc::from(call.name));
            done.push(DoneCall {
                call: ToolCall { id, name, arguments: call.arguments },
                extra_content: call.extra_content,
            });
        }
        done
    }

    /// The call that a piece belongs to; `None` when it begins one.
    ///
    /// OpenAI counts its calls by `index`. Ollama sends index 0 for all of them, told apart by their ids; others send
    /// no index, or no id.
    fn place(&self, index: Option<usize>, id: &str, name: &str, arguments: &str) -> Option<usize> {
        let same_id = || self.open.iter().rposition(|call| !id.is_empty() && call.id == id);
        let Some(index) = index else {
            let begins = !id.is_empty() || !name.is_empty();
            return same_id().or_else(|| if begins { None } else { self.open.len().checked_sub(1) });
        };
        let place = self.open.iter().rposition(|call| call.index == Some(index))?;
        let call = self.open.get(place)?;
        let has_other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
        // The call at this index is complete, and a name with an object of its own begins the next.
        let begins_again = id.is_empty()
            && !name.is_empty()
            && arguments.trim_start().starts_with('{')
            && RawObject::read(&call.arguments).is_some();
        if has_other_id { same_id() } else { Some(place).filter(|_| !begins_again) }
    }
}

/// Arguments are a string with JSON in it; some servers send the object itself.
fn arguments_text(arguments: &RawValue) -> Cow<'_, str> {
    let json = arguments.get();
    match serde_json::from_str::<Cow<'_, str>>(json) {
        Ok(text) => Cow::Owned(text.into_owned()),
        Err(_) if json == "null" => Cow::Borrowed(""),
        Err(_) => Cow::Borrowed(json),
    }
}

#[cfg(test)]
#[path = "tool_calls_tests.rs"]
mod tests;
