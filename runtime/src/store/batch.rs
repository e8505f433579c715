//! What is written together.

use codex_task_actors::{JournalAck, JournalEntry};
use tokio::sync::oneshot;

/// What came in one go, in order: one transaction.
#[derive(Default)]
pub(super) struct Batch {
    /// What happened, and who waits until it is on disk.
    pub(super) entries: Vec<(JournalEntry, Option<JournalAck>)>,
    /// Who waits until all of it is written.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    /// Whether nothing more comes.
    pub(super) closes: bool,
}

impl Batch {
    /// Whether somebody waits until an entry is safe even from a loss of power.
    pub(super) fn must_be_durable(&self) -> bool {
        self.is_asked_for() || self.entries.iter().any(|(_, ack)| ack.is_some())
    }

    /// Whether somebody wants everything so far to be on disk.
    pub(super) fn is_asked_for(&self) -> bool {
        !self.flushes.is_empty() || self.closes
    }
}
