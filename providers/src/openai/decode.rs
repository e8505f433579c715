//! From OpenAI's events to the neutral stream.

use std::collections::VecDeque;

use codex_task_config::ModelId;
use serde_json::value::RawValue;

use super::FORMAT;
use super::error::{of_event, of_failure};
use super::item::{DoneItem, DoneKind};
use super::stream_wire::{CallItem, ItemKind, StreamEvent, WireResponse, WireUsage};
use crate::decode::{Decoder, protocol, unreadable};
use crate::sse::SseEvent;
use crate::{AssistantTurn, ChatEvent, ChatReply, ProviderError, ProviderState, SearchTrace, StopReason};

/// Reads one reply.
pub(super) struct ResponsesDecoder {
    /// The model that was asked for.
    model: ModelId,
    request_id: Option<String>,
    /// Complete items with their place in the output.
    items: Vec<(usize, DoneItem)>,
}

impl ResponsesDecoder {
    pub(super) fn new(model: ModelId, request_id: Option<String>) -> Self {
        Self { model, request_id, items: Vec::new() }
    }

    /// Keeps a complete item. Only these count: what `output_item.added` shows of encrypted reasoning may be cut.
    fn keep(&mut self, place: usize, item: &RawValue) -> Result<(), ProviderError> {
        let item = DoneItem::read(item, self.items.len()).map_err(|error| unreadable(&error))?;
        let id = item.call_id();
        if id.is_some() && self.items.iter().any(|(_, other)| other.call_id() == id) {
            return Err(protocol("two tool calls with the same id"));
        }
        self.items.push((place, item));
        Ok(())
    }

    /// The end of the response. `event` says how it ended where the response itself does not.
    fn end(&mut self, event: &str, response: Option<&RawValue>) -> Result<ChatReply, ProviderError> {
        let response = response.map(|raw| serde_json::from_str(raw.get())).transpose();
        let mut response: WireResponse<'_> =
            response.map_err(|error| unreadable(&error))?.unwrap_or_default();
        let status = response.status.take().unwrap_or_else(|| event.trim_start_matches("response.").into());
        if status == "failed" {
            return Err(of_failure(response.error.unwrap_or_default(), &self.model));
        }
        if self.items.is_empty() {
            for (place, item) in response.output.take().unwrap_or_default().into_iter().enumerate() {
                self.keep(place, item)?;
            }
        }
        let mut search = SearchTrace::default();
        for (_, item) in &mut self.items {
            search.absorb(std::mem::take(&mut item.search));
        }
        let (turn, is_refusal) = self.turn();
        let has_tool_calls = turn.tool_calls().next().is_some();
        let reason = response.incomplete_details.and_then(|details| details.reason);
        let stop = match (&*status, reason) {
            ("completed" | "done", _) if has_tool_calls => StopReason::ToolUse,
            ("completed" | "done", _) if is_refusal => StopReason::Refused { category: None },
            ("completed" | "done", _) => StopReason::EndTurn,
            ("incomplete", Some(reason)) => stop_of_incomplete(reason),
            (other, _) => StopReason::Other(other.to_owned()),
        };
        Ok(ChatReply {
            turn,
            stop,
            usage: response.usage.map(WireUsage::normal).unwrap_or_default(),
            usage_estimated: response.usage.is_none(),
            model: response.model.map(ModelId::new),
            request_id: self.request_id.take(),
            search,
        })
    }

    /// The turn, and whether the model refused.
    fn turn(&mut self) -> (AssistantTurn, bool) {
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|(place, _)| *place);
        // Reasoning from which nothing followed, because the reply was cut, is not taken back.
        while items.last().is_some_and(|(_, item)| matches!(item.kind, DoneKind::Reasoning)) {
            items.pop();
        }
        let is_refusal =
            items.iter().any(|(_, item)| matches!(item.kind, DoneKind::Message { is_refusal: true, .. }));
        let echo = items.iter().map(|(_, item)| item.raw.clone()).collect();
        let state = ProviderState { format: FORMAT.into(), model: self.model.clone(), items: echo };
        let parts = items.into_iter().flat_map(|(_, item)| item.into_parts()).collect();
        (AssistantTurn { parts, state: Some(state) }, is_refusal)
    }
}

fn stop_of_incomplete(reason: String) -> StopReason {
    match &*reason {
        "max_output_tokens" => StopReason::MaxTokens,
        "content_filter" => StopReason::Refused { category: Some(reason) },
        _ => StopReason::Other(reason),
    }
}

/// What the beginning of an item means to a listener.
fn opening_event(item: Option<&RawValue>) -> Result<ChatEvent, ProviderError> {
    let Some(item) = item else { return Ok(ChatEvent::Activity { usage: None }) };
    let kind: ItemKind<'_> = serde_json::from_str(item.get()).map_err(|error| unreadable(&error))?;
    if kind.kind != "function_call" {
        return Ok(ChatEvent::Activity { usage: None });
    }
    let call: CallItem<'_> = serde_json::from_str(item.get()).map_err(|error| unreadable(&error))?;
    Ok(ChatEvent::ToolCallStarted { name: call.name.into_owned() })
}

fn text(delta: Option<&RawValue>) -> Result<String, ProviderError> {
    let Some(delta) = delta else { return Ok(String::new()) };
    serde_json::from_str(delta.get()).map_err(|error| unreadable(&error))
}

impl Decoder for ResponsesDecoder {
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        // Some gateways end every stream as the chat format does.
        if event.data == "[DONE]" {
            return Ok(());
        }
        let wire: StreamEvent<'_> = serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?;
        match &*wire.kind {
            "response.output_text.delta" | "response.refusal.delta" => {
                out.push_back(ChatEvent::Text(text(wire.delta)?));
            }
            "response.function_call_arguments.delta" => {
                out.push_back(ChatEvent::ToolArguments { bytes: text(wire.delta)?.len() });
            }
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                out.push_back(ChatEvent::Reasoning(text(wire.delta)?));
            }
            "response.output_item.added" => out.push_back(opening_event(wire.item)?),
            "response.output_item.done" => {
                let item =
                    wire.item.ok_or_else(|| protocol("a response.output_item.done without its item"))?;
                self.keep(wire.output_index.unwrap_or(self.items.len()), item)?;
                out.push_back(ChatEvent::Activity { usage: None });
            }
            "response.created" | "response.queued" | "response.in_progress" => {
                out.push_back(ChatEvent::Activity { usage: None });
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                let reply = self.end(&wire.kind, wire.response)?;
                out.push_back(ChatEvent::Finished(Box::new(reply)));
            }
            _ if wire.object.as_deref() == Some("response") => {
                let document: &RawValue =
                    serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?;
                let reply = self.end("response.completed", Some(document))?;
                out.push_back(ChatEvent::Finished(Box::new(reply)));
            }
            // Gateways and llama-server name no type.
            kind if kind == "error" || wire.error.is_some() || event.event.as_deref() == Some("error") => {
                return Err(of_event(&event.data, &self.model));
            }
            // Keep-alives, ends of parts, and whatever a later version adds.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
