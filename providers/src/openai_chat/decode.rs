//! From the chunks of a reply to the neutral stream.

use std::collections::VecDeque;
use std::sync::Arc;

use codex_task_config::{ModelId, TokenUsage};

use super::FORMAT;
use super::error::{WireError, of_event};
use super::lessons::LessonBook;
use super::reasoning::Reasoning;
use super::stream_wire::{Choice, Chunk, Delta, WireUsage};
use super::text_calls;
use super::tool_calls::ToolCalls;
use crate::decode::{BodyEnd, Decoder, unreadable};
use crate::sse::SseEvent;
use crate::{
    AssistantPart, AssistantTurn, ChatDialect, ChatEvent, ChatReply, ChatRequest, ProviderError,
    ProviderState, SearchTrace, StopReason, ToolSpec,
};

/// The last line of a stream.
const DONE: &str = "[DONE]";
/// Bytes of text per token, for servers that count nothing.
const BYTES_PER_TOKEN: u64 = 4;

/// Reads one reply.
pub(super) struct CompletionsDecoder {
    /// The model that was asked for.
    model: ModelId,
    dialect: ChatDialect,
    lessons: Arc<LessonBook>,
    /// What was offered: a local model may call these in its text.
    tools: Arc<[ToolSpec]>,
    prompt_bytes: usize,
    /// Bytes of text, reasoning and arguments.
    generated_bytes: usize,
    request_id: Option<String>,
    text: String,
    refused: bool,
    calls: ToolCalls,
    reasoning: Reasoning,
    usage: Option<TokenUsage>,
    /// Set by the chunk that ends the answer. Usage may still follow.
    finish_reason: Option<String>,
    reply_model: Option<ModelId>,
}

impl CompletionsDecoder {
    pub(super) fn new(
        request: &ChatRequest,
        dialect: ChatDialect,
        prompt_bytes: usize,
        lessons: Arc<LessonBook>,
    ) -> Self {
        Self {
            model: request.model.clone(),
            dialect,
            lessons,
            tools: Arc::clone(&request.tools),
            prompt_bytes,
            generated_bytes: 0,
            request_id: None,
            text: String::new(),
            refused: false,
            calls: ToolCalls::after(request),
            reasoning: Reasoning::default(),
            usage: None,
            finish_reason: None,
            reply_model: None,
        }
    }

    /// The server's id of the request.
    pub(super) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// The reply of a server that could not read what its model wrote, as far as it came.
    pub(super) fn malformed(&mut self) -> ChatEvent {
        self.calls.close();
        self.reply(StopReason::Malformed)
    }

    fn fail(&mut self, error: WireError, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        if error.is_malformed_output() {
            out.push_back(self.malformed());
            return Ok(());
        }
        let error = of_event(error, &self.model);
        self.lessons.note(&self.model, &error);
        Err(error)
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut VecDeque<ChatEvent>) -> Result<bool, ProviderError> {
        if let Some(error) = choice.error {
            self.fail(WireError::read(error.get()), out)?;
            return Ok(true);
        }
        let is_whole = choice.delta.is_none() && choice.message.is_some();
        if let Some(delta) = choice.delta.or_else(|| choice.message.map(|message| *message)) {
            self.extend(delta, out);
        }
        match choice.finish_reason.as_str() {
            "" => {}
            "error" => self.fail(WireError::default(), out)?,
            "abort" | "cancelled" => {
                return Err(ProviderError::BrokenStream { detail: "the server gave up".to_owned() });
            }
            "insufficient_system_resource" => {
                let detail = choice.finish_reason.into_string();
                return Err(ProviderError::Overloaded { retry_after: None, detail });
            }
            reason => self.finish_reason = Some(reason.to_owned()),
        }
        Ok(is_whole)
    }

    fn extend(&mut self, mut delta: Delta<'_>, out: &mut VecDeque<ChatEvent>) {
        if let Some(text) = self.reasoning.add(&mut delta) {
            self.generated_bytes += text.len();
            out.push_back(ChatEvent::Reasoning(text.to_owned()));
        }
        self.refused |= delta.refusal.non_empty().is_some();
        for text in [delta.content, delta.refusal] {
            if text.non_empty().is_some() {
                self.generated_bytes += text.as_str().len();
                self.text.push_str(text.as_str());
                out.push_back(ChatEvent::Text(text.into_string()));
            }
        }
        for fragment in delta.tool_calls.unwrap_or_default() {
            self.generated_bytes += self.calls.add(fragment, out);
        }
    }

    /// Completes the reply. Calls that the model wrote as text are announced now.
    fn finish(&mut self, out: &mut VecDeque<ChatEvent>) {
        self.read_text(out);
        let stop = self.stop_reason();
        out.push_back(self.reply(stop));
    }

    /// What small local models write into their text although it belongs elsewhere.
    fn read_text(&mut self, out: &mut VecDeque<ChatEvent>) {
        if self.dialect != ChatDialect::Local {
            return;
        }
        let said = text_calls::without_thought(&self.text);
        if self.calls.is_empty()
            && let Some(found) = text_calls::read(said, &self.tools)
        {
            self.text = found.text;
            for call in found.calls {
                self.calls.add_complete(call.name, call.arguments, out);
            }
        } else if said.len() < self.text.len() {
            self.text = said.to_owned();
        }
    }

    fn stop_reason(&mut self) -> StopReason {
        if self.refused {
            return StopReason::Refused { category: None };
        }
        let has_calls = !self.calls.is_empty();
        match self.finish_reason.take().as_deref() {
            // Servers are careless here; what counts is whether tools were called.
            None | Some("stop" | "eos" | "end_turn") if has_calls => StopReason::ToolUse,
            None | Some("stop" | "eos" | "end_turn") => StopReason::EndTurn,
            Some("tool_calls" | "function_call" | "tool_use") => StopReason::ToolUse,
            Some("length" | "max_tokens") => StopReason::MaxTokens,
            Some("stop_sequence") => StopReason::StopSequence,
            Some("content_filter") => StopReason::Refused { category: Some("content_filter".to_owned()) },
            Some("model_length") => StopReason::ContextWindowFull,
            Some(other) => StopReason::Other(other.to_owned()),
        }
    }

    fn reply(&mut self, stop: StopReason) -> ChatEvent {
        let calls = self.calls.close();
        let message = self.reasoning.message(&self.text, &calls);
        let text = std::mem::take(&mut self.text);
        let text = (!text.trim().is_empty()).then_some(AssistantPart::Text { text });
        let calls = calls.into_iter().map(|done| AssistantPart::ToolCall(done.call));
        let turn = AssistantTurn {
            parts: text.into_iter().chain(calls).collect(),
            state: message.map(|message| ProviderState {
                format: FORMAT.into(),
                model: self.model.clone(),
                items: vec![message],
            }),
        };
        ChatEvent::Finished(Box::new(ChatReply {
            turn,
            stop,
            usage: self.usage.unwrap_or_else(|| self.estimate()),
            usage_estimated: self.usage.is_none(),
            model: self.reply_model.take(),
            request_id: self.request_id.take(),
            search: SearchTrace::default(),
        }))
    }

    fn estimate(&self) -> TokenUsage {
        let tokens = |bytes: usize| (bytes as u64).div_ceil(BYTES_PER_TOKEN);
        TokenUsage {
            input_tokens: tokens(self.prompt_bytes),
            output_tokens: tokens(self.generated_bytes),
            ..TokenUsage::default()
        }
    }
}

impl Decoder for CompletionsDecoder {
    fn on_event(&mut self, event: SseEvent, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        if event.data == DONE {
            // Some gateways leave the finish reason out; their end is believed if nothing is cut.
            let is_whole = self.finish_reason.is_some()
                || ((!self.text.is_empty() || !self.calls.is_empty()) && self.calls.are_whole());
            if is_whole {
                self.finish(out);
                return Ok(());
            }
            return Err(ProviderError::BrokenStream {
                detail: "the reply ended before it was complete".to_owned(),
            });
        }
        let chunk: Chunk<'_> = serde_json::from_str(&event.data).map_err(|error| unreadable(&error))?;
        let is_error = event.event.as_deref() == Some("error") || chunk.object.as_str() == "error";
        if is_error || chunk.error.is_some() {
            return self.fail(WireError::read(&event.data), out);
        }
        let before = out.len();
        if self.reply_model.is_none() {
            self.reply_model = chunk.model.non_empty().map(ModelId::new);
        }
        let usage = chunk.usage.and_then(WireUsage::normal);
        self.usage = usage.or(self.usage);
        let choice = chunk.choices.unwrap_or_default().into_iter().next();
        let is_last = match choice {
            Some(choice) => self.choice(choice, out)?,
            None => self.finish_reason.is_some() && usage.is_some(),
        };
        if out.iter().any(|event| matches!(event, ChatEvent::Finished(_))) {
            return Ok(());
        }
        if is_last {
            self.finish(out);
        } else if usage.is_some() || out.len() == before {
            out.push_back(ChatEvent::Activity { usage });
        }
        Ok(())
    }

    /// After the reason everything was said: a connection that breaks then takes nothing away.
    fn on_end(&mut self, _: BodyEnd, out: &mut VecDeque<ChatEvent>) -> Result<(), ProviderError> {
        if self.finish_reason.is_some() {
            self.finish(out);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
