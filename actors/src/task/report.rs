//! How a task ended, and what it took.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{MicroUsd, ModelId, ProviderName, SavedUsd, TokenUsage};
use codex_task_providers::ProviderError;
use serde::{Deserialize, Serialize};

use super::{RunId, TaskError, TaskId};

/// The one ending of a task. Text that the agent had written by then is kept in every case.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T = String> {
    /// The agent finished.
    Completed(T),
    /// The agent could not finish.
    Failed {
        /// Why.
        error: TaskError,
        /// What the agent had written.
        partial: Option<String>,
    },
    /// The task's time was up.
    TimedOut {
        /// The time that it had.
        after: Duration,
        /// What the agent had written.
        partial: Option<String>,
    },
    /// Somebody cancelled the task.
    Cancelled {
        /// What the agent had written.
        partial: Option<String>,
    },
    /// The agent's actor died more often than it may be restarted.
    Crashed {
        /// Restarts that were made.
        restarts: u32,
        /// Message of the last panic, where there was one.
        cause: String,
        /// What the agent had written.
        partial: Option<String>,
    },
}

/// The names of the endings, as they stand in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// See [`Outcome::Completed`].
    Completed,
    /// See [`Outcome::Failed`].
    Failed,
    /// See [`Outcome::TimedOut`].
    TimedOut,
    /// See [`Outcome::Cancelled`].
    Cancelled,
    /// See [`Outcome::Crashed`].
    Crashed,
}

impl<T> Outcome<T> {
    /// The name of the ending.
    pub fn status(&self) -> TaskStatus {
        match self {
            Self::Completed(_) => TaskStatus::Completed,
            Self::Failed { .. } => TaskStatus::Failed,
            Self::TimedOut { .. } => TaskStatus::TimedOut,
            Self::Cancelled { .. } => TaskStatus::Cancelled,
            Self::Crashed { .. } => TaskStatus::Crashed,
        }
    }

    /// What the agent had written when the task ended without finishing.
    pub fn partial(&self) -> Option<&str> {
        match self {
            Self::Completed(_) => None,
            Self::Failed { partial, .. }
            | Self::TimedOut { partial, .. }
            | Self::Cancelled { partial }
            | Self::Crashed { partial, .. } => partial.as_deref(),
        }
    }

    /// The same ending with another type of result.
    pub(crate) fn try_map<U>(
        self,
        read: impl FnOnce(T) -> Result<U, (TaskError, Option<String>)>,
    ) -> Outcome<U> {
        match self {
            Self::Completed(result) => match read(result) {
                Ok(result) => Outcome::Completed(result),
                Err((error, partial)) => Outcome::Failed { error, partial },
            },
            Self::Failed { error, partial } => Outcome::Failed { error, partial },
            Self::TimedOut { after, partial } => Outcome::TimedOut { after, partial },
            Self::Cancelled { partial } => Outcome::Cancelled { partial },
            Self::Crashed { restarts, cause, partial } => Outcome::Crashed { restarts, cause, partial },
        }
    }
}

/// One model call as it was tried on one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The provider.
    pub provider: ProviderName,
    /// The model asked for.
    pub model: ModelId,
    /// Why it failed; `None` when it did not.
    pub error: Option<ProviderError>,
    /// From asking for a permit to the end of the answer.
    pub duration: Duration,
}

/// Where the time of a task went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskTiming {
    /// Waiting for a slot.
    pub queued: Duration,
    /// From the start of the task to the first token of its first answer.
    pub first_token: Option<Duration>,
    /// In model calls, waiting for permits and between retries included.
    pub model: Duration,
    /// In tool calls; calls that ran side by side count once.
    pub tools: Duration,
    /// From admission to the end.
    pub total: Duration,
}

/// A git worktree that an agent has left because something in it has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWorktree {
    /// Its directory.
    pub path: PathBuf,
    /// Its branch.
    pub branch: String,
}

/// What a finished task gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskReport<T = String> {
    /// The task.
    pub task: TaskId,
    /// The run that it belongs to.
    pub run: RunId,
    /// The agent, as it was asked for: may be one that does not exist.
    pub agent: Arc<str>,
    /// The caller's words for the task.
    pub description: Option<String>,
    /// How it ended.
    pub outcome: Outcome<T>,
    /// Model calls in order, failed ones included.
    pub attempts: Vec<Attempt>,
    /// The provider of the last successful call.
    pub provider: Option<ProviderName>,
    /// The model that answered last.
    pub model: Option<ModelId>,
    /// Tokens of all calls.
    pub usage: TokenUsage,
    /// Cost of all calls; `None` when a price is not known.
    pub cost: Option<MicroUsd>,
    /// What the providers' caches saved of what the calls would have cost; negative where writing them cost more.
    pub cache_saved: SavedUsd,
    /// Where the time went.
    pub timing: TaskTiming,
    /// Model calls that succeeded.
    pub turns: u32,
    /// Tool calls that were made.
    pub tool_calls: u32,
    /// How often the agent's actor was restarted.
    pub restarts: u32,
    /// What the user should know: parameters left out, tools left out, compactions, restarts.
    pub notes: Vec<String>,
    /// What the user has allowed for more than one call while the agent worked: `Bash(make all) until this session ends`.
    pub allowed: Vec<String>,
    /// Where untrusted texts came from that the agent has read (`WebFetch docs.rs`, the tool of an MCP server): whoever
    /// reads the result reads what they have made of it. Empty for an agent that has read only its workspace.
    pub tainted_by: Vec<String>,
    /// Where the agent has worked apart from the session's own files, if it has left something there.
    pub worktree: Option<KeptWorktree>,
}

impl<T> TaskReport<T> {
    /// How a task has ended, where nothing else is known of it.
    pub fn new(task: TaskId, run: RunId, agent: Arc<str>, outcome: Outcome<T>) -> Self {
        Self {
            task,
            run,
            agent,
            description: None,
            outcome,
            attempts: Vec::new(),
            provider: None,
            model: None,
            usage: TokenUsage::default(),
            cost: None,
            cache_saved: SavedUsd::default(),
            timing: TaskTiming::default(),
            turns: 0,
            tool_calls: 0,
            restarts: 0,
            notes: Vec::new(),
            allowed: Vec::new(),
            tainted_by: Vec::new(),
            worktree: None,
        }
    }

    /// The name of the ending.
    pub fn status(&self) -> TaskStatus {
        self.outcome.status()
    }

    /// The same report with another result, where there is one.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> TaskReport<U> {
        self.map_outcome(|outcome| outcome.try_map(|result| Ok(map(result))))
    }

    pub(crate) fn map_outcome<U>(self, map: impl FnOnce(Outcome<T>) -> Outcome<U>) -> TaskReport<U> {
        TaskReport {
            task: self.task,
            run: self.run,
            agent: self.agent,
            description: self.description,
            outcome: map(self.outcome),
            attempts: self.attempts,
            provider: self.provider,
            model: self.model,
            usage: self.usage,
            cost: self.cost,
            cache_saved: self.cache_saved,
            timing: self.timing,
            turns: self.turns,
            tool_calls: self.tool_calls,
            restarts: self.restarts,
            notes: self.notes,
            allowed: self.allowed,
            tainted_by: self.tainted_by,
            worktree: self.worktree,
        }
    }
}

/// All tasks of a run, in the order in which they were asked for; tasks that never started carry their error.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// One entry for each task.
    pub tasks: Vec<Arc<TaskReport>>,
    /// What the agents of these tasks have started in turn, in the order in which it ended.
    pub nested: Vec<Arc<TaskReport>>,
    /// From the first admission to the last ending.
    pub total: Duration,
}
