//! Entries that are written together.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use codex_task_actors::{JournalAck, JournalEntry};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Longest time that an entry waits for others, when nobody waits for it.
const GATHER: Duration = Duration::from_millis(20);
/// Most entries of one transaction.
const ENTRIES_MAX: usize = 1_024;

/// What the writer is asked.
pub(super) enum Command {
    /// Keep this.
    Record {
        /// What happened.
        entry: JournalEntry,
        /// Who waits until it is on disk.
        ack: Option<JournalAck>,
    },
    /// Say when everything so far is written.
    Flush(oneshot::Sender<()>),
    /// Write what is there, then end.
    Close,
}

/// Commands of one transaction, in order.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<(JournalEntry, Option<JournalAck>)>,
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    pub(super) closes: bool,
}

impl Batch {
    /// Waits for a first command, at most so long, then for those that come with it.
    pub(super) fn gather(commands: &Receiver<Command>, patience: Duration) -> Option<Self> {
        let first = match commands.recv_timeout(patience) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Command::Close,
        };
        let mut batch = Self::default();
        let until = Instant::now() + GATHER;
        let mut is_urgent = batch.add(first);
        while !batch.closes && batch.entries.len() < ENTRIES_MAX {
            let wait =
                if is_urgent { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            match commands.recv_timeout(wait) {
                Ok(command) => is_urgent |= batch.add(command),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => batch.closes = true,
            }
        }
        Some(batch)
    }

    /// Whether somebody waits until an entry is safe even from a loss of power.
    pub(super) fn must_be_durable(&self) -> bool {
        !self.flushes.is_empty() || self.closes || self.entries.iter().any(|(_, ack)| ack.is_some())
    }

    /// Adds a command; returns whether it cannot wait. A beginning and an ending cannot: the sooner they are written, the
    /// less is forgotten, or paid again, after a crash.
    fn add(&mut self, command: Command) -> bool {
        match command {
            Command::Record { entry, ack } => {
                let is_urgent = ack.is_some() || !matches!(entry, JournalEntry::Stepped { .. });
                self.entries.push((entry, ack));
                is_urgent
            }
            Command::Flush(done) => {
                self.flushes.push(done);
                true
            }
            Command::Close => {
                self.closes = true;
                true
            }
        }
    }
}
