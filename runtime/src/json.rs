//! Reports as JSON: the shapes that other programs rely on. Fields are only ever added.

mod agent;
mod command;
mod consensus;
mod event;
#[cfg(feature = "store")]
mod record;

use std::time::Duration;

use codex_task_actors::{Attempt, KeptWorktree, Outcome, RunReport, TaskReport, TaskStatus};
use codex_task_config::{SavedUsd, TokenUsage};
use serde::Serialize;

pub use agent::{AgentJson, ProblemJson};
pub use command::CommandJson;
pub use consensus::{AnswerJson, ConsensusJson};
pub use event::{EventJson, EventKindJson};
#[cfg(feature = "store")]
pub use record::{RunRecordJson, TaskRecordJson, WatchJson};

/// A run: `{"run_id", "status", "tasks"}`.
#[derive(Clone, Debug, Serialize)]
pub struct RunJson {
    /// The run.
    pub run_id: String,
    /// `completed` when every task completed, else `failed`.
    pub status: TaskStatus,
    /// Its tasks, in the order in which they were asked for.
    pub tasks: Vec<TaskJson>,
    /// What their agents have started in turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<TaskJson>,
}

/// A task.
#[derive(Clone, Debug, Serialize)]
pub struct TaskJson {
    /// The task.
    pub task_id: String,
    /// The agent, as it was asked for.
    pub agent: String,
    /// The caller's words for the task.
    pub description: Option<String>,
    /// How it ended.
    pub status: TaskStatus,
    /// The report; of a task that did not complete, what the agent had written.
    pub result: Option<String>,
    /// Why it did not complete.
    pub error: Option<ErrorJson>,
    /// The model that answered last.
    pub model: Option<String>,
    /// The provider of the last successful call.
    pub provider: Option<String>,
    /// Model calls in order, failed ones included.
    pub attempts: Vec<AttemptJson>,
    /// Tokens of all calls.
    pub usage: TokenUsage,
    /// Cost of all calls in US dollars; `null` when a price is not known.
    pub cost_usd: Option<f64>,
    /// What the providers' caches saved of it; absent where no cache was used, negative where writing cost more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_saved_usd: Option<SavedUsd>,
    /// Where the time went.
    pub timing: TimingJson,
    /// Tool calls that were made.
    pub tool_calls: u32,
    /// How often the agent died and was started again; absent where it never did.
    #[serde(skip_serializing_if = "is_zero")]
    pub restarts: u32,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What the user has allowed for more than one call while the agent worked; absent where that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// Where untrusted texts came from that the agent has read.
    pub tainted_by: Vec<String>,
    /// The git worktree that the agent has left, because something in it has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worktree: Option<KeptWorktree>,
}

/// An error in the four parts that people see too.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorJson {
    /// A short stable name, e.g. `rate_limited`.
    pub kind: String,
    /// What failed.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do about it.
    pub suggestion: Option<String>,
}

/// One model call on one route.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptJson {
    /// The provider.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Milliseconds from asking for a permit to the end of the answer.
    pub ms: u64,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TimingJson {
    /// Waiting for a slot.
    pub queued_ms: u64,
    /// From the start of the task to its first token.
    pub first_token_ms: Option<u64>,
    /// In model calls.
    pub model_ms: u64,
    /// In tool calls.
    pub tool_ms: u64,
    /// From admission to the end.
    pub total_ms: u64,
}

impl From<&RunReport> for RunJson {
    fn from(report: &RunReport) -> Self {
        let completed = report.tasks.iter().all(|task| task.status() == TaskStatus::Completed);
        Self {
            run_id: report.run.to_string(),
            status: if completed { TaskStatus::Completed } else { TaskStatus::Failed },
            tasks: report.tasks.iter().map(|task| TaskJson::from(task.as_ref())).collect(),
            nested: report.nested.iter().map(|task| TaskJson::from(task.as_ref())).collect(),
        }
    }
}

impl From<&TaskReport> for TaskJson {
    fn from(report: &TaskReport) -> Self {
        let result = match &report.outcome {
            Outcome::Completed(text) => Some(text.clone()),
            other => other.partial().map(str::to_owned),
        };
        Self {
            task_id: report.task.to_string(),
            agent: report.agent.to_string(),
            description: report.description.clone(),
            status: report.status(),
            result,
            error: ErrorJson::of(report),
            model: report.model.as_ref().map(ToString::to_string),
            provider: report.provider.as_ref().map(ToString::to_string),
            attempts: report.attempts.iter().map(AttemptJson::from).collect(),
            usage: report.usage,
            cost_usd: report.cost.map(codex_task_config::MicroUsd::as_usd),
            cache_saved_usd: Some(report.cache_saved).filter(|saved| *saved != SavedUsd::default()),
            timing: TimingJson {
                queued_ms: ms(report.timing.queued),
                first_token_ms: report.timing.first_token.map(ms),
                model_ms: ms(report.timing.model),
                tool_ms: ms(report.timing.tools),
                total_ms: ms(report.timing.total),
            },
            tool_calls: report.tool_calls,
            restarts: report.restarts,
            notes: report.notes.clone(),
            allowed: report.allowed.clone(),
            tainted_by: report.tainted_by.clone(),
            worktree: report.worktree.clone(),
        }
    }
}

impl From<&Attempt> for AttemptJson {
    fn from(attempt: &Attempt) -> Self {
        Self {
            provider: attempt.provider.to_string(),
            model: attempt.model.to_string(),
            error: attempt.error.as_ref().map(ToString::to_string),
            ms: ms(attempt.duration),
        }
    }
}

impl ErrorJson {
    /// Why a task did not complete; `None` when it did.
    pub fn of(report: &TaskReport) -> Option<Self> {
        let agent = &report.agent;
        let message = |what: &str| format!("agent '{agent}' {what}");
        match &report.outcome {
            Outcome::Completed(_) => None,
            Outcome::Failed { error, .. } => Some(ErrorJson {
                kind: error.kind().to_owned(),
                message: message("execution failed"),
                cause: Some(error.to_string()),
                suggestion: error.help(),
            }),
            Outcome::TimedOut { after, .. } => Some(ErrorJson {
                kind: "timed_out".to_owned(),
                message: message("did not finish in time"),
                cause: Some(format!("the task's {after:?} were over")),
                suggestion: Some("raise the time-out or give the agent a smaller task".to_owned()),
            }),
            Outcome::Cancelled { .. } => Some(ErrorJson {
                kind: "cancelled".to_owned(),
                message: message("was cancelled"),
                cause: None,
                suggestion: None,
            }),
            Outcome::Crashed { restarts, cause, .. } => Some(ErrorJson {
                kind: "crashed".to_owned(),
                message: message("crashed"),
                cause: Some(format!("{cause} (after {restarts} restarts)")),
                suggestion: Some("this is a bug: please report it with the log of `--log debug`".to_owned()),
            }),
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
