//! A consensus as JSON.

use codex_task_actors::TaskStatus;
use serde::Serialize;

use super::TaskJson;
use crate::consensus::{Consensus, Verdict};

/// `{"run_id", "status", "verdict", "answers", "missing", "judge", "notes"}`.
#[derive(Clone, Debug, Serialize)]
pub struct ConsensusJson {
    /// The run.
    pub run_id: String,
    /// `completed` when there is a verdict, else `failed`.
    pub status: TaskStatus,
    /// What the judge made of the answers.
    pub verdict: Option<Verdict>,
    /// The answers of all that were asked, in that order; of one that failed what became of it.
    pub answers: Vec<AnswerJson>,
    /// The names of those that did not answer.
    pub missing: Vec<String>,
    /// The judge's task.
    pub judge: Option<TaskJson>,
    /// What bears on how much the verdict is worth.
    pub notes: Vec<String>,
}

/// One answer.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerJson {
    /// The name that the verdict uses.
    pub name: String,
    /// Its task.
    #[serde(flatten)]
    pub task: TaskJson,
}

impl From<&Consensus> for ConsensusJson {
    fn from(consensus: &Consensus) -> Self {
        let answer = |(voter, task): (&crate::consensus::Voter, &std::sync::Arc<_>)| AnswerJson {
            name: voter.name.clone(),
            task: TaskJson::from(&**task),
        };
        let is_there = consensus.verdict.is_some();
        Self {
            run_id: consensus.report.run.to_string(),
            status: if is_there { TaskStatus::Completed } else { TaskStatus::Failed },
            verdict: consensus.verdict.clone(),
            answers: consensus.answers().map(answer).collect(),
            missing: consensus.missing().map(|voter| voter.name.clone()).collect(),
            judge: consensus.judge().map(|task| TaskJson::from(task.as_ref())),
            notes: consensus.notes.clone(),
        }
    }
}
