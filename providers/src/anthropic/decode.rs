//! From Anthropic's events to the neutral stream.

use std::collections::VecDeque;

use codex_task_config::{ModelId, TokenUsage};
use serde_json::value::RawValue;

use super::FORMAT;
use super::block::OpenBlock;
use super::error::of_event;
use super::stream_wire::{Delta, StopDetails, StreamEvent, WireReply, WireUsage};
use crate::decode::{Decoder, protocol, unreadable};
use crate::sse::SseEvent;
use crate::{AssistantTurn, ChatEvent, ChatReply, ProviderError, ProviderState, SearchTrace, StopReason};

/// Reads one reply.
pub(super) struct MessagesDecoder {
    /// The model that was asked for.
    model: ModelId,
    request_id: Option<String>,
    started: bool,
    /// Blocks by index. They may overlap: llama-server stops them all at the end.
    blocks: Vec<OpenBlock>,
    usage: TokenUsage,
    usage_seen: bool,
    /// Searches that the server has made.
    searches: u32,
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
    reply_model: Option<ModelId>,
}

impl MessagesDecoder {
    pub(super) fn new(model: ModelId, request_id: Option<String>) -> Self {
        Self {
            model,
            request_id,
            started: false,
            blocks: Vec::new(),
            usage: TokenUsage::default(),
            usage_seen: false,
            searches: 0,
            stop_reason: None,
            stop_details: None,
            reply_model: None,
        }
    }

    fn start(&mut self, message: Option<&RawValue>) -> Result<(), ProviderError> {
        if std::mem::replace(&mut self.started, true) {
            return Err(protocol("a second message_start"));
        }
        let Some(message) = message else { return Ok(()) };
        let message: WireReply<'_> = serde_json::from_str(message.get()).map_err(|e| unreadable(&e))?;
        self.reply_model = message.model.map(ModelId::new);
        self.count(message.usage);
        Ok(())
    }

    fn open(&mut self, index: Option<usize>, start: Option<&RawValue>) -> Result<ChatEvent, ProviderError> {
        if index.is_some_and(|index| index != self.blocks.len()) {
            return Err(protocol("content blocks out of order"));
        }
        let start = start.ok_or_else(|| protocol("a content_block_start without its block"))?;
        let block = OpenBlock::open(start, self.blocks.len()).map_err(|error| unreadable(&error))?;
        let id = block.call_id();
        if id.is_some() && self.blocks.iter().any(|other| other.call_id() == id) {
            return Err(protocol("two tool calls with the same id"));
        }
        let event = block.opening_event();
        self.blocks.push(block);
        Ok(event)
    }

    fn extend(&mut self, index: Option<usize>, delta: Option<Delta<'_>>) -> Result<ChatEvent, ProviderError> {
        let block = self.open_block(index)?;
        let delta = delta.ok_or_else(|| protocol("a content_block_delta without its delta"))?;
        Ok(block.apply(delta))
    }

    fn stop(&mut self, index: Option<usize>) -> Result<(), ProviderError> {
        self.open_block(index)?.stopped = true;
        Ok(())
    }

    /// A block that was started and not stopped; the newest where the server leaves the index out.
    fn open_block(&mut self, index: Option<usize>) -> Result<&mut OpenBlock, ProviderError> {
        let index = index.unwrap_or(self.blocks.len().saturating_sub(1));
        match self.blocks.get_mut(index) {
            Some(block) if block.stopped => Err(protocol("a content block goes on after its stop")),
            Some(block) => Ok(block),
            None => Err(protocol("a content block goes on before its start")),
        }
    }

    /// A reply that came as one document.
    fn whole(&mut self, data: &str, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        let message: WireReply<'_> = serde_json::from_str(data).map_err(|error| unreadable(&error))?;
        for block in &message.content {
            out.push_back(self.open(None, Some(block))?);
        }
        self.reply_model = message.model.map(ModelId::new);
        self.count(message.usage);
        self.stop_reason = message.stop_reason;
        self.stop_details = message.stop_details;
        self.finish(out)
    }

    fn count(&mut self, usage: Option<WireUsage>) {
        if let Some(usage) = usage {
            usage.apply_to(&mut self.usage);
            let searches = usage.server_tool_use.and_then(|used| used.web_search_requests);
            self.searches = searches.unwrap_or(self.searches);
            self.usage_seen = true;
        }
    }

    fn finish(&mut self, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        let mut turn = AssistantTurn { parts: Vec::new(), state: None };
        let mut items = Vec::new();
        let mut search = SearchTrace { requests: self.searches, ..SearchTrace::default() };
        for block in std::mem::take(&mut self.blocks) {
            let done = block.close().map_err(|error| unreadable(&error))?;
            turn.parts.extend(done.part);
            items.extend(done.echo);
            search.absorb(done.found);
        }
        let stop = self.stop_reason(turn.tool_calls().next().is_some());
        turn.state = Some(ProviderState { format: FORMAT.into(), model: self.model.clone(), items });
        out.push_back(ChatEvent::Finished(Box::new(ChatReply {
            turn,
            stop,
            usage: self.usage,
            usage_estimated: !self.usage_seen,
            model: self.reply_model.take(),
            request_id: self.request_id.take(),
            search,
        })));
        Ok(())
    }

    fn stop_reason(&mut self, has_tool_calls: bool) -> StopReason {
        match self.stop_reason.take().as_deref() {
            // Compatible servers are careless here; what counts is whether tools were called.
            None | Some("end_turn" | "") if has_tool_calls => StopReason::ToolUse,
            None | Some("end_turn" | "") => StopReason::EndTurn,
            Some("tool_use") => StopReason::ToolUse,
            Some("max_tokens") => StopReason::MaxTokens,
            Some("stop_sequence") => StopReason::StopSequence,
            Some("pause_turn") => StopReason::Pause,
            Some("refusal") => StopReason::Refused {
                category: self.stop_details.take().and_then(|details| details.category),
            },
            Some("model_context_window_exceeded") => StopReason::ContextWindowFull,
            Some(other) => StopReason::Other(other.to_owned()),
        }
    }
}

impl Decoder for MessagesDecoder {
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        // Some gateways end every stream as OpenAI does.
        if event.data == "[DONE]" {
            return Ok(());
        }
        let wire: StreamEvent<'_> = serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?;
        match &*wire.kind {
            "content_block_delta" => out.push_back(self.extend(wire.index, wire.delta)?),
            "content_block_start" => out.push_back(self.open(wire.index, wire.content_block)?),
            "content_block_stop" => self.stop(wire.index)?,
            "message_start" => {
                self.start(wire.message)?;
                out.push_back(ChatEvent::Activity { usage: Some(self.usage) });
            }
            "message_delta" => {
                self.count(wire.usage);
                if let Some(delta) = wire.delta {
                    self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                    self.stop_details = delta.stop_details.or(self.stop_details.take());
                }
                out.push_back(ChatEvent::Activity { usage: Some(self.usage) });
            }
            "message_stop" => self.finish(out)?,
            "message" => self.whole(&event.data, out)?,
            "error" => return Err(of_event(wire.error.unwrap_or_default(), &self.model)),
            // `ping`, and whatever a later version adds.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
