//! The spans themselves: names and attributes of OpenTelemetry's semantic conventions for generative AI, and ours
//! (`codex_task.*`) where they have none. What is not known at the beginning is recorded later; `otel.*` is how a bridge to
//! OpenTelemetry learns what a span of `tracing` cannot say.

use std::time::Duration;

use codex_task_actors::{
    CallEnd, CallId, CallReport, Outcome, RunId, TaskEvent, TaskId, TaskReport, TaskStatus,
};
use codex_task_config::{ModelId, ProviderName, TokenUsage};
use codex_task_providers::StopReason;
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::content::Content;
use super::vendors::Vendors;

/// What all spans, and nothing else, are made for.
pub const SPAN_TARGET: &str = "codex_task::spans";
/// Characters of a name that a model has made up.
const NAME_CHARS_MAX: usize = 80;

/// A request that is sent.
pub(super) struct CallSent<'a> {
    pub(super) call: CallId,
    pub(super) provider: &'a ProviderName,
    pub(super) model: &'a ModelId,
}

/// A set of tasks.
pub(super) fn run(run: RunId) -> Span {
    info_span!(
        target: SPAN_TARGET,
        parent: None,
        "invoke_workflow",
        otel.kind = "internal",
        otel.status_code = Empty,
        gen_ai.operation.name = "invoke_workflow",
        codex_task.run.id = %run,
        codex_task.tasks = Empty,
        codex_task.tasks.failed = Empty,
    )
}

/// One task, its waiting included.
pub(super) fn task(parent: &Span, event: &TaskEvent) -> Span {
    let agent = name(&event.agent);
    info_span!(
        target: SPAN_TARGET,
        parent: parent,
        "invoke_agent",
        otel.name = %format_args!("invoke_agent {agent}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.name = agent,
        gen_ai.conversation.id = %event.task,
        gen_ai.provider.name = Empty,
        gen_ai.response.model = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
        error.type = Empty,
        codex_task.run.id = %event.run,
        codex_task.outcome = Empty,
        codex_task.seconds = Empty,
        codex_task.queued_seconds = Empty,
        codex_task.turns = Empty,
        codex_task.tool_calls = Empty,
        codex_task.restarts = Empty,
        codex_task.cost_usd = Empty,
    )
}

/// One turn of an agent: an answer of its model, with every try, and the tools that it asks for.
pub(super) fn turn(parent: &Span, task: TaskId, turn: u32) -> Span {
    info_span!(
        target: SPAN_TARGET,
        parent: parent,
        "turn",
        otel.name = %format_args!("turn {turn}"),
        otel.kind = "internal",
        gen_ai.conversation.id = %task,
        codex_task.turn = turn,
    )
}

/// One request to a provider, which the conventions know by another name.
pub(super) fn call(parent: &Span, task: TaskId, sent: &CallSent<'_>, vendor: &str) -> Span {
    let CallSent { call, provider, model } = sent;
    info_span!(
        target: SPAN_TARGET,
        parent: parent,
        "chat",
        otel.name = %format_args!("chat {model}"),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.conversation.id = %task,
        gen_ai.provider.name = vendor,
        gen_ai.request.model = model.as_str(),
        gen_ai.request.stream = true,
        gen_ai.response.model = Empty,
        gen_ai.response.time_to_first_chunk = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        error.type = Empty,
        codex_task.call.id = %call,
        codex_task.provider = provider.as_str(),
        codex_task.seconds = Empty,
        codex_task.stop_reason = Empty,
        codex_task.cost_usd = Empty,
    )
}

/// One tool call.
pub(super) fn tool(parent: &Span, task: TaskId, tool: &str, call_id: &str) -> Span {
    let tool = name(tool);
    info_span!(
        target: SPAN_TARGET,
        parent: parent,
        "execute_tool",
        otel.name = %format_args!("execute_tool {tool}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        gen_ai.operation.name = "execute_tool",
        gen_ai.conversation.id = %task,
        gen_ai.tool.name = tool,
        gen_ai.tool.call.id = call_id,
        gen_ai.tool.type = "function",
        error.type = Empty,
        codex_task.seconds = Empty,
        codex_task.tool.summary = Empty,
    )
}

/// Records what a run came to.
pub(super) fn end_run(span: &Span, tasks: u64, failed: u64) {
    span.record("codex_task.tasks", count(tasks));
    span.record("codex_task.tasks.failed", count(failed));
    if failed > 0 {
        span.record("otel.status_code", "error");
    }
}

/// Records what a task came to.
pub(super) fn end_task(span: &Span, report: &TaskReport, vendors: &Vendors, content: Content) {
    if let Some(provider) = &report.provider {
        span.record("gen_ai.provider.name", vendors.name(provider));
    }
    if let Some(model) = &report.model {
        span.record("gen_ai.response.model", model.as_str());
    }
    record_usage(span, &report.usage);
    if let Some(cost) = report.cost {
        span.record("codex_task.cost_usd", cost.as_usd());
    }
    span.record("codex_task.outcome", outcome(report.status()));
    record_time(span, report.timing.total);
    span.record("codex_task.queued_seconds", report.timing.queued.as_secs_f64());
    span.record("codex_task.turns", report.turns);
    span.record("codex_task.tool_calls", report.tool_calls);
    span.record("codex_task.restarts", report.restarts);
    if let Some(kind) = task_error(&report.outcome) {
        fail(span, kind);
    }
    let text = match &report.outcome {
        Outcome::Completed(text) => Some(text.as_str()),
        other => other.partial(),
    };
    if let Some(message) = text.and_then(|text| content.message("assistant", text)) {
        span.record("gen_ai.output.messages", message);
    }
}

/// Records what a request came to.
pub(super) fn end_call(span: &Span, report: &CallReport) {
    if let Some(model) = &report.answered_by {
        span.record("gen_ai.response.model", model.as_str());
    }
    if let Some(first_token) = report.first_token {
        span.record("gen_ai.response.time_to_first_chunk", first_token.as_secs_f64());
    }
    if let Some(duration) = report.duration {
        record_time(span, duration);
    }
    record_usage(span, &report.usage);
    if let Some(cost) = report.cost {
        span.record("codex_task.cost_usd", cost.as_usd());
    }
    if let CallEnd::Answered(stop) = &report.end {
        span.record("codex_task.stop_reason", stop_reason(stop));
    }
    if let Some(kind) = report.end.error_kind() {
        fail(span, kind);
    }
}

/// Records what a tool call came to.
pub(super) fn end_tool(span: &Span, is_error: bool, duration: Duration) {
    record_time(span, duration);
    if is_error {
        fail(span, "tool_error");
    }
}

/// Records why something went wrong, in one word: a sentence could be a provider's, and say anything.
pub(super) fn fail(span: &Span, kind: &str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "error");
}

/// The time of a span as a number, for logs, which know spans only by their ends.
fn record_time(span: &Span, time: Duration) {
    span.record("codex_task.seconds", time.as_secs_f64());
}

fn record_usage(span: &Span, usage: &TokenUsage) {
    span.record("gen_ai.usage.input_tokens", count(usage.prompt_tokens()));
    span.record("gen_ai.usage.output_tokens", count(usage.output_tokens));
    span.record("gen_ai.usage.cache_read.input_tokens", count(usage.cache_read_tokens));
    span.record("gen_ai.usage.cache_creation.input_tokens", count(usage.cache_write_tokens));
}

/// What kept a task from being completed, in one word.
fn task_error(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Completed(_) => None,
        Outcome::Failed { error, .. } => Some(error.kind()),
        Outcome::TimedOut { .. } => Some("timeout"),
        Outcome::Cancelled { .. } => Some("cancelled"),
        Outcome::Crashed { .. } => Some("crashed"),
    }
}

/// The name of an ending.
pub(super) fn outcome(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Completed => "completed",
        TaskStatus::Failed => "failed",
        TaskStatus::TimedOut => "timed_out",
        TaskStatus::Cancelled => "cancelled",
        TaskStatus::Crashed => "crashed",
    }
}

fn stop_reason(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::EndTurn => "end_turn",
        StopReason::ToolUse => "tool_use",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
        StopReason::Pause => "pause",
        StopReason::Refused { .. } => "refused",
        StopReason::ContextWindowFull => "context_window_full",
        StopReason::Malformed => "malformed",
        StopReason::Other(_) => "other",
    }
}

/// A number of things as OpenTelemetry counts them.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A name that may be a model's invention: not without end.
fn name(text: &str) -> &str {
    text.char_indices().nth(NAME_CHARS_MAX).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
