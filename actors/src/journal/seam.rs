//! What the actors ask of a journal.

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{JournalEntry, TaskImage};
use crate::task::{TaskError, TaskId, TaskRequest};

/// Where an entry's fate is told: `Ok` once it is on disk. Dropped when nobody can tell any longer.
pub type JournalAck = oneshot::Sender<Result<(), JournalError>>;

/// The journal could not keep what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be written: {detail}")]
pub struct JournalError {
    /// What the operating system or the database said.
    pub detail: String,
}

/// Keeps what the supervisor tells it. Entries of one task are kept in the order in which they were told, and without a
/// gap: once one was lost, the later steps of that task are refused, so that what is on disk is always a beginning of
/// what happened.
///
/// The bound: the supervisor never waits for a journal, but an agent does, before each model call, while the journal
/// has no room. So the entries in memory are never more than the journal's own limit and a few for each task.
pub trait Journal: Send + Sync {
    /// Takes an entry; never blocks.
    fn record(&self, entry: JournalEntry);

    /// Takes an entry that something waits for: it is on disk, safe from a loss of power, before the answer says so.
    fn record_durably(&self, entry: JournalEntry, ack: JournalAck);

    /// Waits until there is room for more.
    ///
    /// # Errors
    /// [`JournalError`] when an entry of this task was lost.
    fn room(&self, task: TaskId) -> BoxFuture<'static, Result<(), JournalError>>;

    /// Whether the journal can be asked for conversations. The supervisor remembers them itself where it cannot.
    fn recalls(&self) -> bool {
        false
    }

    /// Looks for the conversation of a task that has ended, by the id of this request, and takes it as going on with the
    /// request's prompt (see [`TaskImage::asked_for`] and [`TaskImage::with_prompt`]): what follows of it is told to this
    /// journal. `None` when it knows no such task.
    ///
    /// # Errors
    /// [`TaskError::StillRunning`] when somebody works on the task, [`TaskError::Journal`] when its record cannot be read.
    fn recall(&self, request: TaskRequest) -> BoxFuture<'static, Result<Option<TaskImage>, TaskError>> {
        drop(request);
        Box::pin(std::future::ready(Ok(None)))
    }
}
