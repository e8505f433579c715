//! Tasks whose calls were answered when they began: who asks for them later, and what they left.
//!
//! Owns the running tasks: dropping the table cancels them. Ended ones are kept for a while, the oldest go first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task_actors::{TaskError, TaskId, TaskReport};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Ended tasks that are kept.
const ENDED_MAX: usize = 200;

/// What a task gave back; `Err` when there was no runtime to take it.
pub(super) type Ended = Result<TaskReport, TaskError>;
/// Tells when a task has ended, and how.
pub(super) type Ending = watch::Receiver<Option<Arc<Ended>>>;

/// The background tasks of one host.
#[derive(Debug, Default)]
pub(super) struct BackgroundTasks {
    /// Ids are in the order of creation.
    tasks: Mutex<BTreeMap<TaskId, BackgroundTask>>,
}

/// One background task.
#[derive(Debug)]
pub(super) struct BackgroundTask {
    /// The caller's words for it.
    pub(super) description: String,
    /// How it ended.
    pub(super) ending: Ending,
    /// Waits for the task's end; dropping it cancels the task.
    pub(super) _running: AbortOnDropHandle<()>,
}

impl BackgroundTasks {
    /// Keeps a task.
    pub(super) fn insert(&self, id: TaskId, task: BackgroundTask) {
        let mut tasks = self.lock();
        tasks.insert(id, task);
        let has_ended = |task: &BackgroundTask| task.ending.borrow().is_some();
        let ended: Vec<TaskId> =
            tasks.iter().filter(|(_, task)| has_ended(task)).map(|(id, _)| *id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
            tasks.remove(id);
        }
    }

    /// A task's words and ending.
    pub(super) fn find(&self, id: TaskId) -> Option<(String, Ending)> {
        let tasks = self.lock();
        let task = tasks.get(&id)?;
        Some((task.description.clone(), task.ending.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, BackgroundTask>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_ended_tasks_are_forgotten_and_running_ones_never() {
        let table = BackgroundTasks::default();
        let insert = |ended: Option<Ended>| {
            let id = TaskId::new();
            let (tell, ending) = watch::channel(ended.map(Arc::new));
            let waiting = async move {
                let _kept_open = tell;
                std::future::pending::<()>().await;
            };
            let running = AbortOnDropHandle::new(tokio::runtime::Handle::current().spawn(waiting));
            table.insert(id, BackgroundTask { description: "d".into(), ending, _running: running });
            id
        };
        let running = insert(None);
        let ids: Vec<TaskId> = (0..=ENDED_MAX).map(|_| insert(Some(Err(TaskError::RuntimeDown)))).collect();
        let is_known = |id: TaskId| table.find(id).is_some();
        assert!(is_known(running) && !is_known(ids[0]) && is_known(ids[1]));
        assert!(table.find(TaskId::new()).is_none());
    }
}
