//! A consensus whose process has ended: its answers are on record or have been gone on with, and are compared here.

use std::sync::Arc;

use codex_task_actors::{RunId, RunReport, TaskReport};

use super::run::{Consensus, ConsensusRequest};
use super::voters::Voter;
use crate::handle::RuntimeHandle;
use crate::prompt::ExpandedPrompt;
use crate::resume::{ResumeError, blocking};
use crate::store::{RecordedBallot, RecordedBallots};

impl RuntimeHandle {
    /// Compares the answers of a run that has been gone on with, unless the judge's own task was among those or had ended
    /// before; a judge that has worked now is added to them. `None` where the run is about no question, or where not all
    /// of the answers are there.
    pub(crate) async fn judge_resumed(
        &self,
        run: RunId,
        resumed: &mut RunReport,
    ) -> Result<Option<Consensus>, ResumeError> {
        let recorder = Arc::clone(self.recorder().ok_or(ResumeError::NotRecorded)?);
        recorder.flush().await;
        let records = recorder.records().clone();
        let question = blocking(move || records.ballots(run)).await?;
        let Some(request) = request(&question.ballots) else { return Ok(None) };
        let Some(tasks) =
            request.tasks.iter().map(|task| report(&question, resumed, *task)).collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let judged = report(&question, resumed, request.judge);
        let report = RunReport { run, tasks, nested: resumed.nested.clone(), total: resumed.total };
        let was_judged = judged.is_some();
        let consensus = self.compare(request, report, judged).await?;
        if let (false, Some(judge)) = (was_judged, consensus.judge()) {
            resumed.tasks.push(Arc::clone(judge));
        }
        Ok(Some(consensus))
    }
}

/// What a task has left: now, or before.
fn report(
    question: &RecordedBallots,
    resumed: &RunReport,
    task: codex_task_actors::TaskId,
) -> Option<Arc<TaskReport>> {
    let now = resumed.tasks.iter().find(|report| report.task == task);
    now.or_else(|| question.report(task)).map(Arc::clone)
}

/// The question as it was asked.
fn request(ballots: &[RecordedBallot]) -> Option<ConsensusRequest> {
    let RecordedBallot { ballot, request } = ballots.first()?;
    let question = ExpandedPrompt {
        text: Arc::clone(&request.prompt),
        preface: request.preface.clone(),
        ..ExpandedPrompt::default()
    };
    let voter = |asked: &RecordedBallot| Voter {
        name: asked.ballot.voter.clone(),
        agent: asked.request.subagent_type.to_string(),
        provider: asked.request.provider.clone(),
    };
    Some(ConsensusRequest {
        question,
        voters: ballots.iter().map(voter).collect(),
        tasks: ballots.iter().map(|asked| asked.request.id).collect(),
        judge: ballot.judge,
        model: request.model.clone(),
        timeout: request.timeout,
        turns_max: request.turns_max,
    })
}
