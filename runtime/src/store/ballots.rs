//! What a run's record says of a question that several agents answer.

use std::sync::Arc;

use codex_task_actors::{
    Admission, Ballot, Outcome, RunId, TaskError, TaskId, TaskReport, TaskRequest, TaskStatus, TaskTiming,
};
use codex_task_config::{ModelId, ProviderName, SavedUsd};
use serde_json::Value;

use super::database;
use super::error::StoreError;
use super::record::status_of;
use super::records::Records;

/// A task's admission, status and report.
type Row = (String, Option<String>, Option<String>);

/// One of those who were asked.
#[derive(Clone, Debug)]
pub(crate) struct RecordedBallot {
    pub(crate) ballot: Ballot,
    pub(crate) request: Arc<TaskRequest>,
}

/// A question on record.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordedBallots {
    /// Those who were asked, in order.
    pub(crate) ballots: Vec<RecordedBallot>,
    /// What tasks of the run, also the judge's, have left that had ended.
    pub(crate) ended: Vec<Arc<TaskReport>>,
}

impl RecordedBallots {
    /// What a task has left.
    pub(crate) fn report(&self, task: TaskId) -> Option<&Arc<TaskReport>> {
        self.ended.iter().find(|report| report.task == task)
    }
}

impl Records {
    /// Whether the answers to the question of a run, if it is about one, were not compared yet, and nobody works on them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn awaits_judge(&self, run: RunId) -> Result<bool, StoreError> {
        let recorded = self.ballots(run)?;
        let is_judged = |asked: &RecordedBallot| recorded.report(asked.ballot.judge).is_some();
        let answers = recorded.ballots.iter().filter_map(|asked| recorded.report(asked.request.id));
        let answered = answers.filter(|report| matches!(report.outcome, Outcome::Completed(_))).count();
        Ok(answered > 1 && !recorded.ballots.iter().any(is_judged))
    }

    /// The question of a run; nobody was asked in one that is about none.
    pub(crate) fn ballots(&self, run: RunId) -> Result<RecordedBallots, StoreError> {
        let connection = database::open(self.path())?;
        let read = || -> rusqlite::Result<Vec<Row>> {
            let mut query = connection.prepare(
                "SELECT admission, status, report
                 FROM tasks JOIN admissions ON admissions.task = tasks.number WHERE run = ?1 ORDER BY number",
            )?;
            let rows =
                query.query_map([run.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        };
        let rows = read().map_err(|error| StoreError::of(self.path(), error))?;
        let mut recorded = RecordedBallots::default();
        for (admission, status, report) in rows {
            // A task that cannot be read cannot be gone on with either, and is no answer.
            let Ok(Admission { request, .. }) = serde_json::from_str(&admission) else { continue };
            if let (Some(status), Some(report)) = (status, report) {
                let report: Value = serde_json::from_str(&report).unwrap_or_default();
                recorded.ended.push(Arc::new(ended(&request, &status, &report)));
            }
            if let Some(ballot) = request.ballot.clone() {
                recorded.ballots.push(RecordedBallot { ballot, request });
            }
        }
        Ok(recorded)
    }
}

/// What is known of a task that had ended before.
fn ended(request: &TaskRequest, status: &str, report: &Value) -> TaskReport {
    let text = |pointer: &str| report.pointer(pointer).and_then(Value::as_str);
    let result = text("/result").map(str::to_owned);
    let outcome = match status_of(status) {
        TaskStatus::Completed => Outcome::Completed(result.unwrap_or_default()),
        TaskStatus::Cancelled => Outcome::Cancelled { partial: result },
        TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Crashed => {
            let cause = text("/error/cause").or_else(|| text("/error/message")).unwrap_or(status);
            Outcome::Failed { error: TaskError::Earlier { cause: cause.to_owned() }, partial: result }
        }
    };
    TaskReport {
        task: request.id,
        run: request.run,
        agent: Arc::clone(&request.subagent_type),
        description: request.description.clone(),
        outcome,
        attempts: Vec::new(),
        provider: text("/provider").map(ProviderName::new),
        model: text("/model").map(ModelId::new),
        usage: report
            .get("usage")
            .and_then(|usage| serde_json::from_value(usage.clone()).ok())
            .unwrap_or_default(),
        cost: None,
        cache_saved: SavedUsd::default(),
        timing: TaskTiming::default(),
        turns: 0,
        tool_calls: 0,
        restarts: 0,
        notes: Vec::new(),
        tainted_by: Vec::new(),
        worktree: None,
    }
}
