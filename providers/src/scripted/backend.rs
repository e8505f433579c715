//! The backend that plays scenarios.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_task_config::{ModelId, ProviderName, TokenUsage};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::conversation::Conversation;
use super::playback::{self, Pace};
use super::{FaultKind, Rule, Scenario, ScriptedCall, protocol};
use crate::refused::RefusedParameters;
use crate::{
    AssistantPart, AssistantTurn, ChatBackend, ChatReply, ChatRequest, ChatStream, Message, ModelLimits,
    ProviderError, ProviderState, SearchTrace, StopReason, ToolCall, ToolResult, UserPart,
};

/// Name of the form in which scripted reasoning is kept.
const FORMAT: &str = "scripted";
/// Bytes of text per token, for answers whose rule has no `usage`.
const BYTES_PER_TOKEN: u64 = 4;
const BAD_REQUEST: u16 = 400;

/// Plays a scenario.
pub struct ScriptedBackend {
    name: ProviderName,
    scenario: Scenario,
    /// How often each rule has answered.
    used: Vec<AtomicU32>,
    /// `None` where nobody asks what was requested: requests keep whole conversations alive.
    recorded: Option<Mutex<Vec<ChatRequest>>>,
    refused: RefusedParameters,
}

impl ScriptedBackend {
    /// Plays a scenario as this provider.
    pub fn new(name: ProviderName, scenario: Scenario) -> Self {
        let used = scenario.rules.iter().map(|_| AtomicU32::new(0)).collect();
        Self { name, scenario, used, recorded: None, refused: RefusedParameters::default() }
    }

    /// Plays a scenario as this provider, and keeps the requests: for tests.
    pub fn recording(name: ProviderName, scenario: Scenario) -> Self {
        Self { recorded: Some(Mutex::default()), ..Self::new(name, scenario) }
    }

    /// The requests that came, refused ones included, in the order of their coming.
    pub fn recorded(&self) -> Vec<ChatRequest> {
        self.recording_of().map(|requests| requests.clone()).unwrap_or_default()
    }

    fn recording_of(&self) -> Option<MutexGuard<'_, Vec<ChatRequest>>> {
        // A list of requests is whole after every panic.
        self.recorded.as_ref().map(|recorded| recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers a request, or fails it before the server would have accepted it.
    async fn answer(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let request = &*self.refused.without(request);
        if let Some(mut requests) = self.recording_of() {
            requests.push(request.clone());
        }
        protocol::check(request).map_err(invalid)?;
        let conversation = Conversation::new(request);
        let (number, rule) = self.rule_for(conversation)?;
        if let Some(fault) = rule.fault.as_ref().filter(|fault| fault.after_bytes.is_none()) {
            match &fault.kind {
                FaultKind::Error(error) => {
                    self.refused.note(&request.model, error);
                    return Err(error.clone());
                }
                FaultKind::Hang => std::future::pending().await,
                FaultKind::Panic => playback::panic_on_purpose(),
            }
        }
        let said = |problem| invalid(format!("rule {number} of {} {problem}", self.scenario.name));
        let reasoning =
            rule.reasoning.as_ref().map(|text| text.render(conversation)).transpose().map_err(said)?;
        let reply = reply(rule, reasoning.as_deref(), conversation).map_err(said)?;
        let pace = Pace {
            first_token: rule.first_token.unwrap_or(self.scenario.first_token),
            between: rule.between.unwrap_or(self.scenario.between),
        };
        Ok(playback::play(reasoning.as_deref(), reply, pace, rule.fault.clone()))
    }

    /// The first rule that fits and is not used up, with its place from 1. Counts its use.
    fn rule_for(&self, conversation: Conversation<'_>) -> Result<(usize, &Rule), ProviderError> {
        let candidates = self.scenario.rules.iter().zip(&self.used).enumerate();
        for (index, (rule, used)) in candidates.filter(|(_, (rule, _))| rule.when.fits(conversation)) {
            let once_more =
                |count: u32| rule.times.is_none_or(|times| count < times).then_some(count.saturating_add(1));
            if used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, once_more).is_ok() {
                return Ok((index + 1, rule));
            }
        }
        let mut tools: Vec<&str> = conversation.new_results().map(|result| &*result.tool).collect();
        tools.dedup();
        let situation = if tools.is_empty() { String::new() } else { format!(" after {}", tools.join(", ")) };
        Err(invalid(format!(
            "no rule of {} fits answer {}{situation} of {}",
            self.scenario.name,
            conversation.turn(),
            conversation.agent()
        )))
    }
}

impl ChatBackend for ScriptedBackend {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        self.answer(request).boxed()
    }

    fn limits(&self, _model: &ModelId) -> Option<ModelLimits> {
        self.scenario.limits
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        ready(Ok(self.scenario.models.clone())).boxed()
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.refused.left_out(request)
    }
}

fn invalid(detail: String) -> ProviderError {
    ProviderError::InvalidRequest { status: BAD_REQUEST, detail }
}

fn reply(rule: &Rule, reasoning: Option<&str>, conversation: Conversation<'_>) -> Result<ChatReply, String> {
    let request = conversation.request();
    let mut parts = Vec::new();
    if let Some(text) = &rule.text {
        let text = text.render(conversation)?;
        if !text.is_empty() {
            parts.push(AssistantPart::Text { text });
        }
    }
    for (index, call) in rule.calls.iter().enumerate() {
        parts.push(AssistantPart::ToolCall(tool_call(call, index, conversation)?));
    }
    let usual_stop = if rule.calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    Ok(ChatReply {
        stop: rule.stop.clone().unwrap_or(usual_stop),
        usage: rule.usage.unwrap_or_else(|| estimate(request, &parts, reasoning)),
        usage_estimated: rule.usage.is_none(),
        turn: AssistantTurn { parts, state: reasoning.and_then(|text| state(request, text)) },
        model: Some(request.model.clone()),
        request_id: None,
        search: SearchTrace::default(),
    })
}

fn tool_call(call: &ScriptedCall, index: usize, conversation: Conversation<'_>) -> Result<ToolCall, String> {
    let offered = conversation.request().tools.iter().any(|tool| *tool.name == *call.tool);
    if call.must_be_offered && !offered {
        return Err(format!("calls {}, which {} was not offered", call.tool, conversation.agent()));
    }
    let id = call.id.clone().unwrap_or_else(|| format!("call_{}_{}", conversation.turn(), index + 1));
    Ok(ToolCall { id: id.into(), name: call.tool.as_str().into(), arguments: call.arguments(conversation)? })
}

/// Reasoning that must come back with the turn, as with the models that think.
fn state(request: &ChatRequest, reasoning: &str) -> Option<ProviderState> {
    let item = to_raw_value(&json!({"type": "reasoning", "text": reasoning})).ok()?;
    Some(ProviderState { format: FORMAT.into(), model: request.model.clone(), items: vec![Arc::from(item)] })
}

fn estimate(request: &ChatRequest, parts: &[AssistantPart], reasoning: Option<&str>) -> TokenUsage {
    let tools: usize =
        request.tools.iter().map(|tool| tool.description.len() + tool.input_schema.get().len()).sum();
    let conversation: usize = request.messages.iter().map(|message| message_bytes(message)).sum();
    let answer: usize = parts.iter().map(part_bytes).sum();
    let tokens = |bytes: usize| (bytes as u64).div_ceil(BYTES_PER_TOKEN);
    TokenUsage {
        input_tokens: tokens(request.system.len() + tools + conversation),
        output_tokens: tokens(answer + reasoning.map_or(0, str::len)),
        ..TokenUsage::default()
    }
}

fn message_bytes(message: &Message) -> usize {
    match message {
        Message::User(turn) => turn
            .parts
            .iter()
            .map(|part| match part {
                UserPart::Text { text } => text.len(),
                UserPart::ToolResult(result) => result.text.len() + shown_bytes(result),
            })
            .sum(),
        Message::Assistant(turn) => turn.parts.iter().map(part_bytes).sum(),
    }
}

/// What the tokens of attachments would be as text.
fn shown_bytes(result: &ToolResult) -> usize {
    let tokens: u64 = result.attachments.iter().map(|attachment| attachment.tokens).sum();
    usize::try_from(tokens.saturating_mul(BYTES_PER_TOKEN)).unwrap_or(usize::MAX)
}

fn part_bytes(part: &AssistantPart) -> usize {
    match part {
        AssistantPart::Text { text } => text.len(),
        AssistantPart::ToolCall(call) => call.name.len() + call.arguments.len(),
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
