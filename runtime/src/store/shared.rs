//! What the writer and those who give it work share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_task_actors::{JournalError, TaskId};
use tokio::sync::Notify;

/// See the module.
#[derive(Default)]
pub(super) struct Shared {
    /// Entries that are not written yet.
    pub(super) backlog: AtomicUsize,
    /// Told after each transaction.
    pub(super) progress: Notify,
    /// Whether `lost` has anything in it: looked at before each model call.
    has_lost: AtomicBool,
    /// Tasks of which an entry was lost, with the reason. Held for a look-up only.
    lost: Mutex<HashMap<TaskId, JournalError>>,
    /// What is not on record, for whoever asks. Held for a copy only.
    missing: Mutex<Missing>,
    /// Tasks of this process that have not ended, as far as the writer has heard: as long as there are any, it looks for
    /// what other processes ask. Held for an insertion or a removal only.
    open: Mutex<HashSet<TaskId>>,
}

/// Why something is not on record.
#[derive(Default)]
struct Missing {
    /// For good: the first loss.
    lost: Option<JournalError>,
    /// Until there is room: endings that are tried again, with the reason.
    owed: HashMap<TaskId, JournalError>,
}

impl Shared {
    /// Why an entry of this task was lost, if one was.
    pub(super) fn loss_of(&self, task: TaskId) -> Option<JournalError> {
        if !self.has_lost() {
            return None;
        }
        hold(&self.lost).get(&task).cloned()
    }

    /// Whether there is any task of which an entry was lost.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost.load(Ordering::Acquire)
    }

    /// Why something is not on record, if so.
    pub(super) fn failure(&self) -> Option<JournalError> {
        let missing = hold(&self.missing);
        missing.lost.as_ref().or_else(|| missing.owed.values().next()).cloned()
    }

    /// An entry of this task was lost: its later steps would leave a gap.
    pub(super) fn lose(&self, task: TaskId, error: &JournalError) {
        hold(&self.lost).entry(task).or_insert_with(|| error.clone());
        self.has_lost.store(true, Ordering::Release);
        self.lose_for_good(error);
    }

    /// Something will never be on record.
    pub(super) fn lose_for_good(&self, error: &JournalError) {
        hold(&self.missing).lost.get_or_insert_with(|| error.clone());
    }

    /// How a task has ended cannot be written now.
    pub(super) fn owe(&self, task: TaskId, error: &JournalError) {
        hold(&self.missing).owed.insert(task, error.clone());
    }

    /// Why the ending of a task is not on record yet, if it has one.
    pub(super) fn owed_of(&self, task: TaskId) -> Option<JournalError> {
        hold(&self.missing).owed.get(&task).cloned()
    }

    /// The ending of a task is on record, or not wanted any longer.
    pub(super) fn pay(&self, task: TaskId) {
        hold(&self.missing).owed.remove(&task);
    }

    /// Tasks were taken by this process.
    pub(super) fn begin(&self, tasks: impl IntoIterator<Item = TaskId>) {
        hold(&self.open).extend(tasks);
    }

    /// A task has ended, or was given back.
    pub(super) fn end(&self, task: TaskId) {
        hold(&self.open).remove(&task);
    }

    /// Whether a task of this process has not ended.
    pub(super) fn has_open(&self) -> bool {
        !hold(&self.open).is_empty()
    }

    /// A task that has ended needs no memory of its loss.
    pub(super) fn forget(&self, task: TaskId) {
        if self.has_lost() {
            let mut lost = hold(&self.lost);
            lost.remove(&task);
            self.has_lost.store(!lost.is_empty(), Ordering::Release);
        }
    }
}

fn hold<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
