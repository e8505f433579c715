//! What can be read of a run and of its tasks.

use codex_task_actors::{RunId, TaskId, TaskStatus};
use codex_task_config::{MicroUsd, TokenUsage};
use serde::Serialize;

/// Where a recorded task or run is. As JSON it is a word: `running`, `unfinished`, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// A process works on it.
    Running,
    /// Its process has ended before it: it can be resumed.
    Unfinished,
    /// It has ended.
    #[serde(untagged)]
    Ended(TaskStatus),
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run.
    pub run: RunId,
    /// When its first task was taken, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Where it ran.
    pub cwd: String,
    /// What the host kept with it.
    pub context: String,
    /// Running, unfinished, or ended: completed when every task is.
    pub state: RecordState,
    /// Whether all that is missing is the judge of the answers that its tasks gave: until one has compared them the run
    /// is running or unfinished.
    pub awaits_judge: bool,
    /// Its tasks, in the order in which they were asked for.
    pub tasks: Vec<TaskRecord>,
}

/// A recorded task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// The task.
    pub task: TaskId,
    /// The agent.
    pub agent: String,
    /// The caller's words for the task.
    pub description: Option<String>,
    /// Where it is.
    pub state: RecordState,
    /// When it was taken, in milliseconds since 1970.
    pub begun_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Model turns that are on record.
    pub turns: u32,
    /// Tokens of all of them.
    pub usage: TokenUsage,
    /// What they cost, as far as prices are known.
    pub cost: MicroUsd,
    /// Its report, in the form of [`crate::json::TaskJson`], once it has ended.
    pub report: Option<serde_json::Value>,
}

impl RunRecord {
    /// The state of a run, from those of its tasks.
    pub(super) fn state_of(tasks: &[TaskRecord]) -> RecordState {
        let is = |wanted: RecordState| tasks.iter().any(|task| task.state == wanted);
        let failed = tasks.iter().find_map(|task| match task.state {
            RecordState::Ended(TaskStatus::Completed) | RecordState::Running | RecordState::Unfinished => {
                None
            }
            RecordState::Ended(other) => Some(other),
        });
        match failed {
            _ if is(RecordState::Running) => RecordState::Running,
            _ if is(RecordState::Unfinished) => RecordState::Unfinished,
            Some(status) => RecordState::Ended(status),
            None => RecordState::Ended(TaskStatus::Completed),
        }
    }

    /// Tokens of all tasks.
    pub fn usage(&self) -> TokenUsage {
        self.tasks.iter().fold(TokenUsage::default(), |sum, task| sum + task.usage)
    }

    /// What all tasks cost, as far as prices are known.
    pub fn cost(&self) -> MicroUsd {
        self.tasks.iter().map(|task| task.cost).sum()
    }
}

/// The name of an ending, as it is stored.
pub(super) fn status_name(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Completed => "completed",
        TaskStatus::Failed => "failed",
        TaskStatus::TimedOut => "timed_out",
        TaskStatus::Cancelled => "cancelled",
        TaskStatus::Crashed => "crashed",
    }
}

/// The ending of that name. One that is not known is no success.
pub(super) fn status_of(name: &str) -> TaskStatus {
    match name {
        "completed" => TaskStatus::Completed,
        "timed_out" => TaskStatus::TimedOut,
        "cancelled" => TaskStatus::Cancelled,
        "crashed" => TaskStatus::Crashed,
        _ => TaskStatus::Failed,
    }
}
