//! Going on with what the journal remembers.

use std::collections::HashSet;
use std::sync::Arc;

use codex_task_actors::{
    ContinueTask, Outcome, RunId, RunReport, RunTask, TaskError, TaskId, TaskImage, TaskReport,
};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::consensus::Consensus;
use crate::handle::RuntimeHandle;
use crate::store::{Claim, ClaimError, Recorder, StoreError};

/// What came of resuming a run.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The tasks that were gone on with, in the order in which they were first asked for.
    pub report: RunReport,
    /// Tasks of the run that had ended before; they were not run again.
    pub ended: usize,
    /// Tasks of the run that another process works on; they were not touched.
    pub running: usize,
    /// What the run comes to, where several agents answer one question in it: also answers that were there before are
    /// compared. `None` while somebody else works on one of them.
    pub consensus: Option<Consensus>,
}

/// Why nothing could be resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The runtime was started without a recorder.
    #[error("this runtime records nothing")]
    NotRecorded,
    /// Nothing could be taken over.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// There is no runtime to take the tasks.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RuntimeHandle {
    /// The journal, where the runtime has one.
    pub fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.shared.recorder.as_ref()
    }

    /// Takes over the unfinished tasks of a run whose process has ended, for [`RuntimeHandle::go_on`].
    ///
    /// # Errors
    /// [`ResumeError`]; then nothing is taken over.
    pub async fn claim(&self, run: RunId) -> Result<Claim, ResumeError> {
        let recorder = Arc::clone(self.recorder().ok_or(ResumeError::NotRecorded)?);
        Ok(blocking(move || recorder.claim(run)).await?)
    }

    /// Goes on with tasks that were taken over, side by side: each from its last step, with what is paid already. Calls
    /// that had begun are not repeated; the model is told that their outcome is unknown. A task that cannot go on, for
    /// instance because its agent is gone, is given back.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`] or [`TaskError::RuntimeDown`].
    ///
    /// # Cancel safety
    /// Dropping the future cancels the tasks.
    pub async fn go_on(&self, run: RunId, images: Vec<TaskImage>) -> Result<RunReport, ResumeError> {
        let began = Instant::now();
        let nested: HashSet<TaskId> = images.iter().filter(|image| is_nested(image)).map(task_of).collect();
        let orphans = self.shared.nested.orphans();
        let parents: Vec<TaskId> = images.iter().map(task_of).collect();
        // All of them are known before the first parent asks for one.
        let images: Vec<_> = images.into_iter().map(|image| (orphans.add(image.request()), image)).collect();
        let going_on = images.into_iter().map(|(tell, image)| async move {
            let report = self.continue_task(image).await?;
            if let Some(tell) = tell {
                tell.send_replace(Some(Arc::new(report.clone())));
            }
            Ok::<_, TaskError>(Arc::new(report))
        });
        let reports = join_all(going_on).await;
        for parent in parents {
            orphans.forget(parent);
        }
        let reports = reports.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (nested, tasks) = reports.into_iter().partition(|report| nested.contains(&report.task));
        Ok(RunReport { run, tasks, nested, total: began.elapsed() })
    }

    /// Goes on with the unfinished tasks of a run whose process has ended; see [`RuntimeHandle::go_on`].
    ///
    /// # Errors
    /// [`ResumeError`].
    ///
    /// # Cancel safety
    /// Dropping the future cancels the tasks.
    pub async fn resume(&self, run: RunId) -> Result<Resumed, ResumeError> {
        let claim = self.claim(run).await?;
        self.finish(run, claim).await
    }

    /// Goes on with what was taken over; see [`RuntimeHandle::resume`].
    ///
    /// # Errors
    /// [`ResumeError`].
    ///
    /// # Cancel safety
    /// Dropping the future cancels the tasks.
    pub async fn finish(&self, run: RunId, claim: Claim) -> Result<Resumed, ResumeError> {
        let Claim { images, ended, running, judge } = claim;
        let mut report = self.go_on(run, images).await?;
        let is_judged_elsewhere = running > 0 && judge.is_none();
        let consensus = if is_judged_elsewhere { None } else { self.judge_resumed(run, &mut report).await? };
        Ok(Resumed { report, ended, running, consensus })
    }

    /// Goes on with the conversation of a task, ended or not, under its id, with a new prompt: all that the agent has
    /// read and written, then the prompt. Limits, tokens and cost count anew.
    ///
    /// # Errors
    /// [`ResumeError`]: [`ClaimError::UnknownTask`] reads as Claude Code has it.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the task.
    pub async fn resume_task(&self, task: &str, prompt: &str) -> Result<TaskReport, ResumeError> {
        if self.recorder().is_none() {
            return Err(ResumeError::NotRecorded);
        }
        let unknown = || ClaimError::UnknownTask(task.to_owned());
        let id: TaskId = task.trim().parse().map_err(|_| unknown())?;
        // The agent is the conversation's own.
        let report = self.run(RunTask::<String>::new("", prompt).resume(id)).await?;
        match &report.outcome {
            Outcome::Failed { error: TaskError::NoTranscript { .. }, .. } => Err(unknown().into()),
            Outcome::Failed { error: TaskError::StillRunning { task }, .. } => {
                Err(ClaimError::Running(*task).into())
            }
            _ => Ok(report),
        }
    }

    async fn continue_task(&self, image: TaskImage) -> Result<TaskReport, TaskError> {
        let task = image.request().id;
        let cancel = self.cancel_on_drop(task);
        let sent = self.shared.supervisor.send(ContinueTask { image: Box::new(image) }).await;
        cancel.disarm();
        if let Some(recorder) = self.recorder().map(Arc::clone) {
            recorder.flush().await;
            // Of a task that has ended on record there is nothing to give back.
            let released = blocking(move || recorder.release(task)).await;
            if let Err(error) = released {
                tracing::warn!(task_id = %task, %error, "a task could not be given back");
            }
        }
        sent.unwrap_or(Err(TaskError::RuntimeDown))
    }
}

fn task_of(image: &TaskImage) -> TaskId {
    image.request().id
}

/// Whether an agent has asked for the task.
fn is_nested(image: &TaskImage) -> bool {
    image.request().lineage.parent.is_some()
}

/// Runs a question to the database where it holds nobody up: the caller's thread may be the only one of its runtime.
pub(crate) async fn blocking<T: Send + 'static, E: Send + From<crate::store::StoreError> + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(crate::store::StoreError::Thread(std::io::Error::other("the runtime ends")).into()),
        },
    }
}
