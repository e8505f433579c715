//! What an agent's parts share while it runs, and how they tell others what it does.

use std::sync::Arc;
use std::time::Duration;

use codex_task_tools::ToolSet;
use tokio::time::Instant;

use super::agent_run::Halt;
use super::checkpoint::CheckpointStep;
use super::plan::AgentPlan;
use super::screen::Screen;
use super::steps::Steps;
use super::stop::StopSignal;
use crate::aggregator::Teller;
use crate::audit::TaskAudit;
use crate::budget::Budget;
use crate::io_runtime::IoRuntime;
use crate::task::{Priority, TaskEventKind, TaskId};

/// What an agent's parts share while it runs.
pub(crate) struct AgentContext {
    pub(crate) task: TaskId,
    pub(crate) plan: Arc<AgentPlan>,
    pub(crate) tools: Arc<ToolSet>,
    pub(crate) priority: Priority,
    pub(crate) stop: StopSignal,
    /// When the task first ran: restarts do not move it.
    pub(crate) started: Instant,
    /// What this task's model calls are paid from.
    pub(crate) budget: Arc<Budget>,
    /// When the time of the run, or of the task that asked for this one, is over.
    pub(crate) deadline: Option<Instant>,
    pub(crate) io: IoRuntime,
    pub(crate) teller: Teller,
    /// Where it tells how far it has come.
    pub(crate) steps: Steps,
    /// Where it tells what it does, for the audit trail.
    pub(crate) audit: TaskAudit,
}

impl AgentContext {
    /// Publishes an event of this task, if anybody watches.
    pub(crate) fn publish(&self, kind: impl FnOnce() -> TaskEventKind) {
        self.teller.tell(kind);
    }

    /// Reports a step to the supervisor, before its effects.
    pub(crate) fn step(&self, step: CheckpointStep) {
        self.steps.tell(step);
    }

    /// Waits while the journal or the audit trail is behind; an agent whose steps were lost must not go on.
    pub(crate) async fn wait_for_records(&self) -> Result<(), Halt> {
        self.audit.room().await;
        match &self.steps.journal {
            Some(journal) => journal.room(self.task).await.map_err(|error| Halt::Error(error.into())),
            None => Ok(()),
        }
    }

    /// Whether the agent must do nothing more: it was asked to stop, or another incarnation acts in its place.
    pub(crate) fn must_stop(&self) -> bool {
        self.steps.must_stop()
    }

    /// Whether another incarnation acts in the agent's place.
    pub(crate) fn is_superseded(&self) -> bool {
        self.steps.is_superseded()
    }

    /// Time until the task's deadline.
    pub(crate) fn time_left(&self) -> Duration {
        self.time_allowed().saturating_sub(self.started.elapsed())
    }

    /// Time from the start of the task to its deadline, which is never later than that of its run.
    pub(crate) fn time_allowed(&self) -> Duration {
        time_allowed(self.plan.timeout, self.started, self.deadline)
    }

    /// Shows streamed text to whoever watches.
    pub(crate) fn screen(&self) -> Screen {
        Screen::new(self.teller.clone())
    }
}

/// The task's own time, or less where what stands above it ends before.
pub(crate) fn time_allowed(own: Duration, started: Instant, deadline: Option<Instant>) -> Duration {
    deadline.map_or(own, |deadline| own.min(deadline.saturating_duration_since(started)))
}
