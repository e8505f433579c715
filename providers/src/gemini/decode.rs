//! From Gemini's chunks to the neutral stream.

use std::collections::VecDeque;

use codex_task_config::{ModelId, TokenUsage};

use super::FORMAT;
use super::error::of_chunk;
use super::part::PartList;
use super::stream_wire::{Candidate, Chunk, Grounding};
use crate::decode::{BodyEnd, Decoder, protocol, unreadable};
use crate::http::clean;
use crate::sse::SseEvent;
use crate::{AssistantTurn, ChatEvent, ChatReply, ProviderError, ProviderState, SearchTrace, StopReason};

/// Reads one reply. The format has no terminal event: a reply is complete when its body ends after a chunk with a
/// finish reason, not before, since some servers give one in every chunk.
pub(super) struct GenerateDecoder {
    /// The model that was asked for.
    model: ModelId,
    parts: PartList,
    usage: TokenUsage,
    usage_seen: bool,
    finish_reason: Option<String>,
    finish_message: Option<String>,
    reply_model: Option<ModelId>,
    response_id: Option<String>,
    search: SearchTrace,
}

impl GenerateDecoder {
    pub(super) fn new(model: ModelId) -> Self {
        Self {
            model,
            parts: PartList::default(),
            usage: TokenUsage::default(),
            usage_seen: false,
            finish_reason: None,
            finish_message: None,
            reply_model: None,
            response_id: None,
            search: SearchTrace::default(),
        }
    }

    fn on_chunk(&mut self, chunk: Chunk<'_>, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        if let Some(error) = chunk.error {
            return Err(of_chunk(error.get(), &self.model));
        }
        self.reply_model = chunk.model_version.map(ModelId::new).or(self.reply_model.take());
        self.response_id = chunk.response_id.or(self.response_id.take());
        if let Some(usage) = chunk.usage_metadata {
            self.usage = usage.normal();
            self.usage_seen = true;
        }
        out.push_back(ChatEvent::Activity { usage: self.usage_seen.then_some(self.usage) });
        if let Some(candidate) = chunk.candidates.unwrap_or_default().into_iter().next() {
            return self.on_candidate(candidate, out);
        }
        match chunk.prompt_feedback {
            Some(feedback) if feedback.block_reason.is_some() => {
                let category = feedback.block_reason;
                let detail = feedback.block_reason_message.or_else(|| category.clone()).unwrap_or_default();
                Err(ProviderError::Refused { category, detail: clean(&detail) })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn on_candidate(
        &mut self,
        candidate: Candidate<'_>,
        out: &mut VecDeque<ChatEvent>,
    ) -> Result<(), ProviderError> {
        let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
        for part in parts {
            let events = self.parts.push(part, self.response_id.as_deref());
            out.extend(events.map_err(|error| unreadable(&error))?);
        }
        if let Some(grounding) = candidate.grounding_metadata {
            self.ground(&grounding);
        }
        let said = |reason: &String| !reason.is_empty() && reason != "FINISH_REASON_UNSPECIFIED";
        self.finish_reason = candidate.finish_reason.filter(said).or(self.finish_reason.take());
        self.finish_message = candidate.finish_message.or(self.finish_message.take());
        Ok(())
    }

    /// Cumulative: what comes later names the earlier queries again.
    fn ground(&mut self, grounding: &Grounding<'_>) {
        let queries = grounding.web_search_queries.as_ref().map_or(0, Vec::len);
        self.search.requests = self.search.requests.max(u32::try_from(queries).unwrap_or(u32::MAX));
        let chunks = grounding.grounding_chunks.iter().flatten();
        for page in chunks.filter_map(|chunk| chunk.web.as_ref()) {
            self.search
                .add(page.title.as_deref().unwrap_or_default(), page.uri.as_deref().unwrap_or_default());
        }
    }

    fn finish(&mut self, reason: String) -> Result<ChatReply, ProviderError> {
        if reason == "MISSING_THOUGHT_SIGNATURE" {
            let detail = self.finish_message.take().unwrap_or(reason);
            return Err(ProviderError::ReasoningState { detail: clean(&detail) });
        }
        if self.parts.repeats_a_call() {
            return Err(protocol("two tool calls with the same id"));
        }
        let parts = std::mem::take(&mut self.parts).finish();
        let (parts, items) = parts.map_err(|error| unreadable(&error))?;
        let state = Some(ProviderState { format: FORMAT.into(), model: self.model.clone(), items });
        let turn = AssistantTurn { parts, state };
        let has_tool_calls = turn.tool_calls().next().is_some();
        Ok(ChatReply {
            turn,
            stop: stop_reason(reason, has_tool_calls),
            usage: self.usage,
            usage_estimated: !self.usage_seen,
            model: self.reply_model.take(),
            request_id: self.response_id.take(),
            search: std::mem::take(&mut self.search),
        })
    }
}

/// A finish reason in normal form. There is none for tool calls: they come with `STOP`.
fn stop_reason(reason: String, has_tool_calls: bool) -> StopReason {
    match &*reason {
        "STOP" if has_tool_calls => StopReason::ToolUse,
        "STOP" => StopReason::EndTurn,
        "MAX_TOKENS" => StopReason::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => StopReason::Refused { category: Some(reason) },
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => StopReason::Malformed,
        _ => StopReason::Other(reason),
    }
}

impl Decoder for GenerateDecoder {
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        // Some gateways end every stream as OpenAI does.
        if event.data == "[DONE]" {
            return Ok(());
        }
        // A server that does not stream, or not as events, sends all chunks as one array.
        let chunks: Vec<Chunk<'_>> = if event.data.trim_start().starts_with('[') {
            serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?
        } else {
            vec![serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?]
        };
        chunks.into_iter().try_for_each(|chunk| self.on_chunk(chunk, out))
    }

    /// A body that breaks is not complete, whatever it said: some servers give a reason in every chunk.
    fn on_end(&mut self, end: BodyEnd, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        if end == BodyEnd::Clean
            && let Some(reason) = self.finish_reason.take()
        {
            let reply = self.finish(reason)?;
            out.push_back(ChatEvent::Finished(Box::new(reply)));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
