//! Tasks whose agent's process is gone: they go on beside their parent, and their report is the answer to the call with
//! which it had started them. So nothing of them is paid twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task_actors::{TaskId, TaskReport, TaskRequest};
use tokio::sync::watch;

use super::input::TaskInput;

/// Tells when a task has ended; closed without a report when nobody goes on with it any longer.
pub(crate) type OrphanEnding = watch::Receiver<Option<Arc<TaskReport>>>;

/// By their parents.
#[derive(Default)]
pub(crate) struct Orphans(Mutex<HashMap<TaskId, Vec<(TaskRequest, OrphanEnding)>>>);

impl Orphans {
    /// Keeps a task for its parent; nothing for one that an agent has not started.
    #[cfg(feature = "store")]
    pub(crate) fn add(&self, request: &TaskRequest) -> Option<watch::Sender<Option<Arc<TaskReport>>>> {
        let parent = request.lineage.parent?;
        let (tell, ending) = watch::channel(None);
        self.lock().entry(parent).or_default().push((request.clone(), ending));
        Some(tell)
    }

    /// Gives the task that a parent has started with such a call, once.
    pub(super) fn take(&self, parent: TaskId, call: &TaskInput) -> Option<OrphanEnding> {
        let mut orphans = self.lock();
        let own = orphans.get_mut(&parent)?;
        let place = own.iter().position(|(request, _)| is_call_of(call, request))?;
        Some(own.remove(place).1)
    }

    /// Forgets the tasks of a parent that has ended.
    #[cfg(feature = "store")]
    pub(crate) fn forget(&self, parent: TaskId) {
        self.lock().remove(&parent);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<(TaskRequest, OrphanEnding)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_call_of(call: &TaskInput, request: &TaskRequest) -> bool {
    call.agent == *request.subagent_type
        && call.prompt == *request.prompt
        && Some(&call.description) == request.description.as_ref()
}
