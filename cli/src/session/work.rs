//! What a session runs: new tasks, or tasks that a dead process has left.

use codex_task::{ResumeError, RunId, RunReport, RuntimeHandle, TaskImage, TaskRequest};

/// See the module.
pub(crate) enum Work {
    /// New tasks.
    Tasks(Vec<TaskRequest>),
    /// Unfinished ones, which were taken over.
    Resumed {
        /// Their run.
        run: RunId,
        /// They.
        images: Vec<TaskImage>,
    },
}

impl Work {
    /// What the tasks were asked.
    pub(super) fn requests(&self) -> Vec<TaskRequest> {
        match self {
            Self::Tasks(tasks) => tasks.clone(),
            Self::Resumed { images, .. } => images.iter().map(|image| image.request().clone()).collect(),
        }
    }

    /// Does it.
    pub(super) async fn run(self, handle: &RuntimeHandle) -> Result<RunReport, ResumeError> {
        match self {
            Self::Tasks(tasks) => Ok(handle.run_all(tasks).await?),
            Self::Resumed { run, images } => handle.go_on(run, images).await,
        }
    }
}
