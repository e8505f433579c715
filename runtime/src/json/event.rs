//! Events as JSON: one line each in `run --jsonl`.

use codex_task_actors::{CallReport, TaskEvent, TaskEventKind};
use codex_task_config::{MicroUsd, TokenUsage};
use serde::Serialize;

use super::{TaskJson, ms};

/// One event of one task: `{"task_id", "run_id", "agent", "event", ...}`.
#[derive(Clone, Debug, Serialize)]
pub struct EventJson {
    /// The task.
    pub task_id: String,
    /// The run that it belongs to.
    pub run_id: String,
    /// The agent, as it was asked for.
    pub agent: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKindJson,
}

/// What happened, under the key `event`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKindJson {
    /// The task waits for a slot.
    Queued {
        /// Tasks before it.
        position: usize,
        /// The caller's words for the task.
        description: Option<String>,
    },
    /// The task runs.
    Started {
        /// The caller's words for the task.
        description: Option<String>,
        /// What tasks of this agent took so far.
        expected_ms: Option<u64>,
    },
    /// A model call begins.
    TurnStarted {
        /// Turn of the task, from 1.
        turn: u32,
        /// Where it goes.
        provider: String,
        /// Which model.
        model: String,
    },
    /// A request is sent to a provider.
    CallSent {
        /// Number of the request.
        call: String,
        /// Where it goes.
        provider: String,
        /// Which model.
        model: String,
    },
    /// A request to a provider is over.
    CallEnded {
        /// Number of the request.
        call: String,
        /// Where it went.
        provider: String,
        /// The model asked for.
        model: String,
        /// What went wrong, in one word.
        error: Option<String>,
        /// Tokens used.
        usage: TokenUsage,
        /// What they cost, in dollars.
        cost_usd: Option<f64>,
        /// From the request to the first token.
        first_token_ms: Option<u64>,
        /// From the request to the end.
        ms: Option<u64>,
    },
    /// The agent has written something.
    Text {
        /// The last line of it.
        line: String,
    },
    /// A tool call begins.
    ToolStarted {
        /// The tool.
        tool: String,
        /// The call in a few words.
        summary: String,
    },
    /// A tool call ended.
    ToolFinished {
        /// The tool.
        tool: String,
        /// Whether it failed or was refused.
        is_error: bool,
        /// How long it took.
        ms: u64,
    },
    /// A model call failed and is tried again.
    Retrying {
        /// Why.
        error: String,
        /// When.
        after_ms: u64,
    },
    /// The next route is tried.
    RouteChanged {
        /// Why.
        error: String,
        /// Where to.
        provider: String,
        /// Which model.
        model: String,
    },
    /// Older turns were replaced by a summary.
    Compacted {
        /// Estimated tokens before.
        tokens_before: u64,
        /// Estimated tokens after.
        tokens_after: u64,
    },
    /// The agent starts again after a crash.
    Restarted {
        /// How often by now.
        restarts: u32,
        /// Why.
        cause: String,
    },
    /// The task ended.
    Finished {
        /// Its report.
        task: Box<TaskJson>,
    },
}

impl From<&TaskEvent> for EventJson {
    fn from(event: &TaskEvent) -> Self {
        Self {
            task_id: event.task.to_string(),
            run_id: event.run.to_string(),
            agent: event.agent.to_string(),
            kind: EventKindJson::from(&event.kind),
        }
    }
}

impl From<&TaskEventKind> for EventKindJson {
    fn from(kind: &TaskEventKind) -> Self {
        match kind {
            TaskEventKind::Queued { position, description } => {
                Self::Queued { position: *position, description: description.clone() }
            }
            TaskEventKind::Started { description, expected, .. } => {
                Self::Started { description: description.clone(), expected_ms: expected.map(ms) }
            }
            TaskEventKind::TurnStarted { turn, provider, model } => {
                Self::TurnStarted { turn: *turn, provider: provider.to_string(), model: model.to_string() }
            }
            TaskEventKind::CallSent { call, provider, model } => Self::CallSent {
                call: call.to_string(),
                provider: provider.to_string(),
                model: model.to_string(),
            },
            TaskEventKind::CallEnded(report) => Self::of_call(report),
            TaskEventKind::Text { line } => Self::Text { line: line.clone() },
            TaskEventKind::ToolStarted { tool, summary, .. } => {
                Self::ToolStarted { tool: tool.to_string(), summary: summary.clone() }
            }
            TaskEventKind::ToolFinished { tool, is_error, duration, .. } => {
                Self::ToolFinished { tool: tool.to_string(), is_error: *is_error, ms: ms(*duration) }
            }
            TaskEventKind::Retrying { error, after } => {
                Self::Retrying { error: error.clone(), after_ms: ms(*after) }
            }
            TaskEventKind::RouteChanged { error, provider, model, .. } => Self::RouteChanged {
                error: error.clone(),
                provider: provider.to_string(),
                model: model.to_string(),
            },
            TaskEventKind::Compacted { tokens_before, tokens_after } => {
                Self::Compacted { tokens_before: *tokens_before, tokens_after: *tokens_after }
            }
            TaskEventKind::Restarted { restarts, cause } => {
                Self::Restarted { restarts: *restarts, cause: cause.clone() }
            }
            TaskEventKind::Finished(report) => {
                Self::Finished { task: Box::new(TaskJson::from(report.as_ref())) }
            }
        }
    }
}

impl EventKindJson {
    fn of_call(report: &CallReport) -> Self {
        Self::CallEnded {
            call: report.call.to_string(),
            provider: report.provider.to_string(),
            model: report.model.to_string(),
            error: report.end.error_kind().map(str::to_owned),
            usage: report.usage,
            cost_usd: report.cost.map(MicroUsd::as_usd),
            first_token_ms: report.first_token.map(ms),
            ms: report.duration.map(ms),
        }
    }
}
