//! Recorded runs as JSON: what `runs list --json`, `runs show --json` and `runs watch --json` print.

use codex_task_config::TokenUsage;
use serde::Serialize;
use serde_json::Value;

use crate::store::{RecordState, RunRecord, TaskRecord};

/// A recorded run.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecordJson {
    /// The run.
    pub run_id: String,
    /// `running`, `unfinished`, or how it ended.
    pub status: RecordState,
    /// When its first task was taken, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Where it ran.
    pub directory: String,
    /// Its tasks, in the order in which they were asked for.
    pub tasks: Vec<TaskRecordJson>,
}

/// A recorded task.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRecordJson {
    /// The task.
    pub task_id: String,
    /// The agent.
    pub agent: String,
    /// The caller's words for the task.
    pub description: Option<String>,
    /// `running`, `unfinished`, or how it ended.
    pub status: RecordState,
    /// When it was taken, in milliseconds since 1970.
    pub begun_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Model turns that are on record.
    pub turns: u32,
    /// Tokens of all of them.
    pub usage: TokenUsage,
    /// What they cost in US dollars, as far as prices are known.
    pub cost_usd: f64,
    /// The report as `run --json` prints it, once the task has ended.
    pub report: Option<Value>,
}

/// One line of a run that is watched: `{"event": "task", ...}` or `{"event": "run", ...}`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WatchJson {
    /// A task came one step further.
    Task(TaskRecordJson),
    /// The run ended, or its process is gone.
    Run(RunRecordJson),
}

impl WatchJson {
    /// The line of a task.
    pub fn of_task(task: &TaskRecord) -> Self {
        Self::Task(task.into())
    }

    /// The line of a run.
    pub fn of_run(run: RunRecordJson) -> Self {
        Self::Run(run)
    }
}

impl From<&RunRecord> for RunRecordJson {
    fn from(run: &RunRecord) -> Self {
        Self {
            run_id: run.run.to_string(),
            status: run.state,
            begun_ms: run.begun_ms,
            directory: run.cwd.clone(),
            tasks: run.tasks.iter().map(TaskRecordJson::from).collect(),
        }
    }
}

impl From<&TaskRecord> for TaskRecordJson {
    fn from(task: &TaskRecord) -> Self {
        Self {
            task_id: task.task.to_string(),
            agent: task.agent.clone(),
            description: task.description.clone(),
            status: task.state,
            begun_ms: task.begun_ms,
            ended_ms: task.ended_ms,
            turns: task.turns,
            usage: task.usage,
            cost_usd: task.cost.as_usd(),
            report: task.report.clone(),
        }
    }
}
