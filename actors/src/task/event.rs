//! What happens to a task while it runs, for progress displays and logs. Losing an event loses no result.

use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{ModelId, ProviderName};

use super::{CallId, CallReport, RunId, TaskId, TaskReport, TaskRequest};

/// One event of one task.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// The task.
    pub task: TaskId,
    /// The run that it belongs to.
    pub run: RunId,
    /// The task whose agent has asked for it, where that is one of ours.
    pub parent: Option<TaskId>,
    /// The agent, as it was asked for.
    pub agent: Arc<str>,
    /// What happened.
    pub kind: TaskEventKind,
}

impl TaskEvent {
    /// What happened to the task of this request.
    pub(crate) fn of(request: &TaskRequest, kind: TaskEventKind) -> Self {
        Self {
            task: request.id,
            run: request.run,
            parent: request.lineage.parent,
            agent: Arc::clone(&request.subagent_type),
            kind,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum TaskEventKind {
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
        /// What the agent is asked to do.
        prompt: Arc<str>,
        /// Time that tasks of this agent took so far, where there were any.
        expected: Option<Duration>,
    },
    /// A model call begins.
    TurnStarted {
        /// Turn of the task, from 1.
        turn: u32,
        /// Where it goes.
        provider: ProviderName,
        /// Which model.
        model: ModelId,
    },
    /// A request is sent to a provider, after the wait for its permit. Tools that ask a model send some too.
    CallSent {
        /// Which.
        call: CallId,
        /// Where it goes.
        provider: ProviderName,
        /// Which model.
        model: ModelId,
    },
    /// A request to a provider is over.
    CallEnded(Box<CallReport>),
    /// The agent has written something.
    Text {
        /// The last line of it, cut to a screen's width.
        line: String,
    },
    /// A tool call begins.
    ToolStarted {
        /// Id of the call, unique within its turn.
        call_id: Arc<str>,
        /// The tool.
        tool: Arc<str>,
        /// The call in a few words, e.g. a path or a command.
        summary: String,
    },
    /// A tool call ended.
    ToolFinished {
        /// Id of the call, unique within its turn.
        call_id: Arc<str>,
        /// The tool.
        tool: Arc<str>,
        /// Whether it failed or was refused.
        is_error: bool,
        /// How long it took.
        duration: Duration,
    },
    /// A model call failed and is tried again.
    Retrying {
        /// Why, for people.
        error: String,
        /// When.
        after: Duration,
    },
    /// The next route of the chain is tried.
    RouteChanged {
        /// Why, for people.
        error: String,
        /// What the user can do about it.
        suggestion: Option<String>,
        /// The provider that failed.
        from: Option<ProviderName>,
        /// Where to.
        provider: ProviderName,
        /// Which model.
        model: ModelId,
    },
    /// Older turns were replaced by a summary.
    Compacted {
        /// Estimated tokens before.
        tokens_before: u64,
        /// Estimated tokens after.
        tokens_after: u64,
    },
    /// The agent's actor died and starts again from its checkpoint.
    Restarted {
        /// How often by now.
        restarts: u32,
        /// Why.
        cause: String,
    },
    /// The task ended.
    Finished(Arc<TaskReport>),
}
