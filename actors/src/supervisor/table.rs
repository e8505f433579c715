//! What the supervisor knows of each task, and the board that hosts read without asking an actor.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use codex_task_providers::Message;
use codex_task_tools::ToolSet;
use dashmap::DashMap;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::restart::RestartHistory;
use super::workers::Place;
use crate::audit::TaskAudit;
use crate::budget::Budget;
use crate::subagent::{AgentPlan, Checkpoint, StopSignal, time_allowed};
use crate::task::{RunId, TaskId, TaskReport, TaskRequest};

/// All tasks that have not ended, for hosts: read at any time, from any thread.
pub type TaskBoard = Arc<DashMap<TaskId, BoardEntry>>;

/// One task on the board.
#[derive(Clone, Debug)]
pub struct BoardEntry {
    /// The run that it belongs to.
    pub run: RunId,
    /// The agent, as it was asked for.
    pub agent: Arc<str>,
    /// The caller's words for the task.
    pub description: Option<String>,
    /// Where it is.
    pub state: BoardState,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardState {
    /// It waits for a slot.
    Queued,
    /// It runs.
    Running {
        /// Since when.
        since: Instant,
        /// How often its actor was restarted.
        restarts: u32,
    },
}

/// One task until its ending.
pub(super) struct TaskEntry {
    pub(super) request: Arc<TaskRequest>,
    pub(super) plan: Arc<AgentPlan>,
    pub(super) tools: Arc<ToolSet>,
    /// The first user turn.
    pub(super) opening: Arc<Message>,
    pub(super) stop: StopSignal,
    pub(super) state: TaskState,
    pub(super) checkpoint: Checkpoint,
    pub(super) restarts: RestartHistory,
    /// Number of the current incarnation; messages of older ones are ignored.
    pub(super) generation: u64,
    /// The generation that may act. Read by the agent before each act, so that one that was blocked, and has a successor,
    /// does nothing more when it wakes up.
    pub(super) acting: Arc<AtomicU64>,
    pub(super) admitted: Instant,
    /// When the task first ran: what its deadline counts from.
    pub(super) started: Option<Instant>,
    /// What its model calls are paid from.
    pub(super) budget: Arc<Budget>,
    /// When the time of its run, or of the task that asked for it, is over.
    pub(super) deadline: Option<Instant>,
    /// When it was asked to stop.
    pub(super) stopping_since: Option<Instant>,
    /// Tasks that its agent has asked for, ended ones too: they end with it.
    pub(super) children: Vec<TaskId>,
    pub(super) reply: oneshot::Sender<Arc<TaskReport>>,
    /// Where it tells what happens to the task.
    pub(super) audit: TaskAudit,
}

impl TaskEntry {
    /// Time from the start of the task to its deadline, which is never later than that of its run.
    pub(super) fn time_allowed(&self) -> Duration {
        match self.started {
            Some(started) => time_allowed(self.plan.timeout, started, self.deadline),
            None => self.plan.timeout,
        }
    }
}

/// Where a task is, for the supervisor.
pub(super) enum TaskState {
    /// In the queue.
    Queued,
    /// An incarnation runs.
    Running {
        /// On this worker; `None` is the supervisor's own Arbiter.
        place: Option<Place>,
    },
    /// The last incarnation died; the next one starts after its backoff. The slot is kept.
    Restarting,
}
