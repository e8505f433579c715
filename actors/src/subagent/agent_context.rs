//! What an agent's parts share while it runs, and how they tell others what it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::Addr;
use codex_task_tools::ToolSet;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::agent_run::Halt;
use super::checkpoint::CheckpointStep;
use super::plan::AgentPlan;
use super::screen::Screen;
use super::stop::StopSignal;
use crate::aggregator::Teller;
use crate::budget::Budget;
use crate::io_runtime::IoRuntime;
use crate::journal::{Journal, JournalError};
use crate::messages::SubagentStepped;
use crate::supervisor::SupervisorActor;
use crate::task::{Priority, TaskEventKind, TaskId};

/// What an agent's parts share while it runs.
pub(crate) struct AgentContext {
    pub(crate) task: TaskId,
    pub(crate) generation: u64,
    /// The generation that may act: another one when this agent was blocked and has a successor.
    pub(crate) acting: Arc<AtomicU64>,
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
    pub(crate) supervisor: Addr<SupervisorActor>,
    /// Where the supervisor writes down what it is told, if anywhere.
    pub(crate) journal: Option<Arc<dyn Journal>>,
}

impl AgentContext {
    /// Publishes an event of this task, if anybody watches.
    pub(crate) fn publish(&self, kind: impl FnOnce() -> TaskEventKind) {
        self.teller.tell(kind);
    }

    /// Reports a step to the supervisor, before its effects.
    #[expect(
        clippy::disallowed_methods,
        reason = "one-way report; a step must not be lost to a full mailbox"
    )]
    pub(crate) fn step(&self, step: CheckpointStep) {
        let (task, generation) = (self.task, self.generation);
        self.supervisor.do_send(SubagentStepped { task, generation, step, recorded: None });
    }

    /// Reports a step and waits until it is on record. Without a journal it is on record once it is sent.
    #[expect(
        clippy::disallowed_methods,
        reason = "one-way report; a step must not be lost to a full mailbox"
    )]
    pub(crate) async fn step_durably(&self, step: CheckpointStep) -> Result<(), Halt> {
        if self.journal.is_none() {
            self.step(step);
            return Ok(());
        }
        let (recorded, on_record) = oneshot::channel();
        let (task, generation) = (self.task, self.generation);
        self.supervisor.do_send(SubagentStepped { task, generation, step, recorded: Some(recorded) });
        match on_record.await {
            Ok(recorded) => recorded.map_err(|error| Halt::Error(error.into())),
            // The supervisor does not listen to this agent any longer.
            Err(_) if self.must_stop() => Err(Halt::Stopped),
            Err(_) => Err(Halt::Error(JournalError { detail: "it was closed".to_owned() }.into())),
        }
    }

    /// Waits while the journal is behind; an agent whose steps were lost must not go on.
    pub(crate) async fn wait_for_journal(&self) -> Result<(), Halt> {
        match &self.journal {
            Some(journal) => journal.room(self.task).await.map_err(|error| Halt::Error(error.into())),
            None => Ok(()),
        }
    }

    /// Whether the agent must do nothing more: it was asked to stop, or another incarnation acts in its place.
    pub(crate) fn must_stop(&self) -> bool {
        self.stop.cause().is_some() || self.is_superseded()
    }

    /// Whether another incarnation acts in the agent's place.
    pub(crate) fn is_superseded(&self) -> bool {
        self.acting.load(Ordering::SeqCst) != self.generation
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
