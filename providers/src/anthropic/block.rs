//! One content block, assembled from its start and its deltas without changing a byte that the server will check.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::stream_wire::{BlockHead, Delta, FoundPage, SearchFailure, SearchResultBlock};
use crate::raw_object::{RawObject, object_or_empty};
use crate::{AssistantPart, ChatEvent, SearchTrace, ToolCall};

/// A block that is being received.
#[derive(Debug)]
pub(super) struct OpenBlock {
    kind: BlockKind,
    /// The block as it came in its start event. Fields that this version does not know are kept from here.
    start: Box<RawValue>,
    /// Text or thinking.
    text: String,
    signature: String,
    /// Tool arguments as the model writes them.
    json: String,
    citations: Vec<Box<RawValue>>,
    /// Whether its stop event has come.
    pub(super) stopped: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum BlockKind {
    Text,
    Thinking,
    ToolUse {
        id: Arc<str>,
        name: Arc<str>,
    },
    /// What the server found when it searched the web; echoed like any other.
    Found,
    /// Kept and echoed, means nothing to us: `redacted_thinking`, server tools, whatever comes.
    Other,
}

/// What a complete block gives.
#[derive(Debug, Default)]
pub(super) struct DoneBlock {
    /// Its neutral form, if it has one.
    pub(super) part: Option<AssistantPart>,
    /// What to echo. A text of white space is left out: the server sends it but refuses it.
    pub(super) echo: Option<Arc<RawValue>>,
    /// What the server found.
    pub(super) found: SearchTrace,
}

impl OpenBlock {
    /// Begins a block. `ordinal` names tool calls that come without an id.
    pub(super) fn open(start: &RawValue, ordinal: usize) -> serde_json::Result<Self> {
        let head: BlockHead<'_> = serde_json::from_str(start.get())?;
        let mut block = Self {
            kind: BlockKind::Other,
            start: start.to_owned(),
            text: String::new(),
            signature: head.signature.into_owned(),
            json: String::new(),
            citations: Vec::new(),
            stopped: false,
        };
        match &*head.kind {
            "text" => {
                block.kind = BlockKind::Text;
                block.text = head.text.into_owned();
            }
            "thinking" => {
                block.kind = BlockKind::Thinking;
                block.text = head.thinking.into_owned();
            }
            "tool_use" => {
                let id = if head.id.is_empty() {
                    format!("call_{ordinal}").into()
                } else {
                    head.id.as_ref().into()
                };
                block.kind = BlockKind::ToolUse { id, name: head.name.as_ref().into() };
                // Whole arguments come here in a reply without a stream; in a stream this is `{}` or absent.
                let whole = head
                    .input
                    .map(RawValue::get)
                    .filter(|input| RawObject::read(input).is_some_and(|object| !object.is_empty()));
                whole.unwrap_or_default().clone_into(&mut block.json);
            }
            "web_search_tool_result" => block.kind = BlockKind::Found,
            _ => {}
        }
        Ok(block)
    }

    /// What the start of the block means to a listener.
    pub(super) fn opening_event(&self) -> ChatEvent {
        match &self.kind {
            BlockKind::Text if !self.text.is_empty() => ChatEvent::Text(self.text.clone()),
            BlockKind::Thinking if !self.text.is_empty() => ChatEvent::Reasoning(self.text.clone()),
            BlockKind::ToolUse { name, .. } => ChatEvent::ToolCallStarted { name: name.to_string() },
            BlockKind::Text | BlockKind::Thinking | BlockKind::Found | BlockKind::Other => {
                ChatEvent::Activity { usage: None }
            }
        }
    }

    /// Adds a delta. Kinds of deltas that this version does not know are only activity.
    pub(super) fn apply(&mut self, delta: Delta<'_>) -> ChatEvent {
        match &*delta.kind {
            "text_delta" => {
                self.text.push_str(&delta.text);
                ChatEvent::Text(delta.text.into_owned())
            }
            "thinking_delta" => {
                self.text.push_str(&delta.thinking);
                ChatEvent::Reasoning(delta.thinking.into_owned())
            }
            "signature_delta" => {
                self.signature.push_str(&delta.signature);
                ChatEvent::Activity { usage: None }
            }
            "input_json_delta" => {
                self.json.push_str(&delta.partial_json);
                ChatEvent::ToolArguments { bytes: delta.partial_json.len() }
            }
            "citations_delta" => {
                self.citations.extend(delta.citation.map(ToOwned::to_owned));
                ChatEvent::Activity { usage: None }
            }
            _ => ChatEvent::Activity { usage: None },
        }
    }

    /// The id, if the block is a tool call.
    pub(super) fn call_id(&self) -> Option<&Arc<str>> {
        match &self.kind {
            BlockKind::ToolUse { id, .. } => Some(id),
            BlockKind::Text | BlockKind::Thinking | BlockKind::Found | BlockKind::Other => None,
        }
    }

    /// Completes the block.
    pub(super) fn close(self) -> serde_json::Result<DoneBlock> {
        if self.kind == BlockKind::Text && self.text.trim().is_empty() {
            return Ok(DoneBlock::default());
        }
        let echo = Some(self.echo()?);
        let found =
            if self.kind == BlockKind::Found { found_in(&self.start)? } else { SearchTrace::default() };
        let part = match self.kind {
            BlockKind::Text => Some(AssistantPart::Text { text: self.text }),
            BlockKind::ToolUse { id, name } => {
                let arguments = if self.json.trim().is_empty() { "{}".to_owned() } else { self.json };
                Some(AssistantPart::ToolCall(ToolCall { id, name, arguments }))
            }
            BlockKind::Thinking | BlockKind::Found | BlockKind::Other => None,
        };
        Ok(DoneBlock { part, echo, found })
    }

    fn echo(&self) -> serde_json::Result<Arc<RawValue>> {
        let mut block: RawObject<'_> = serde_json::from_str(self.start.get())?;
        let text = to_raw_value(&self.text)?;
        let signature = to_raw_value(&self.signature)?;
        let citations = to_raw_value(&self.citations)?;
        match &self.kind {
            BlockKind::Text => block.set("text", &text),
            BlockKind::Thinking => {
                block.set("thinking", &text);
                block.set("signature", &signature);
            }
            BlockKind::ToolUse { .. } => block.set("input", object_or_empty(&self.json)),
            // The arguments of a tool that runs at the server.
            BlockKind::Other if !self.json.is_empty() => block.set("input", object_or_empty(&self.json)),
            BlockKind::Found | BlockKind::Other => {}
        }
        if !self.citations.is_empty() {
            block.set("citations", &citations);
        }
        Ok(Arc::from(to_raw_value(&block)?))
    }
}

/// The pages of a result, or why there are none.
fn found_in(block: &RawValue) -> serde_json::Result<SearchTrace> {
    let mut trace = SearchTrace::default();
    let block: SearchResultBlock<'_> = serde_json::from_str(block.get())?;
    let Some(content) = block.content else { return Ok(trace) };
    match serde_json::from_str::<Vec<FoundPage<'_>>>(content.get()) {
        Ok(pages) => pages.iter().for_each(|page| trace.add(&page.title, &page.url)),
        Err(_) => trace.failure = serde_json::from_str::<SearchFailure>(content.get())?.error_code,
    }
    Ok(trace)
}
