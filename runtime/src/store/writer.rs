//! The one thread that writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use codex_task_actors::{JournalAck, JournalEntry, JournalError, TaskId, TaskReport};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tracing::{debug, error};

use super::apply::{Origin, apply, end};
use super::batch::Batch;
use super::database::Safety;
use super::queue::Queue;
use super::shared::Shared;
use super::upkeep::Upkeep;

/// Times that the database may be found in use by others, after a wait of five seconds each.
const BUSY_TRIES_MAX: u32 = 12;
/// Endings that are kept in memory until they can be written.
const OWED_MAX: usize = 1_024;

/// See the module.
pub(super) struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    origin: Origin,
    upkeep: Upkeep,
    /// What a transaction survives now.
    safety: Safety,
    /// Endings that could not be written; they need nothing that comes before them, so they are tried again.
    owed: Vec<Arc<TaskReport>>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        (queue, shared): (Arc<Queue>, Arc<Shared>),
        origin: Origin,
        upkeep: Upkeep,
    ) -> Self {
        Self { connection, queue, shared, origin, upkeep, safety: Safety::Process, owed: Vec::new() }
    }

    /// Writes until it is told to end.
    pub(super) fn run(mut self) {
        loop {
            let batch = self.queue.gather(self.upkeep.patience(self.shared.has_open()));
            let is_quiet = batch.is_none();
            if let Some(batch) = batch {
                let closes = batch.closes;
                self.write(batch);
                if closes {
                    break;
                }
            }
            // After the batch: for this nobody waits.
            if self.upkeep.work(&mut self.connection, self.shared.has_open(), is_quiet) {
                self.pay();
            }
        }
        self.upkeep.end(&mut self.connection);
    }

    /// Writes one batch and tells everybody who waits what came of it.
    fn write(&mut self, mut batch: Batch) {
        let safety = if batch.must_be_durable() { Safety::Power } else { Safety::Process };
        let count = batch.entries.len();
        if self.shared.has_lost() {
            self.refuse_gaps(&mut batch);
        }
        let entries = &batch.entries;
        let written = if entries.is_empty() { Ok(()) } else { self.commit_patiently(entries, safety) };
        let written = written.map_err(|error| JournalError { detail: error.to_string() });
        if let Err(error) = &written {
            error!(%error, entries = entries.len(), "the journal could not be written");
        }
        for (entry, ack) in batch.entries.drain(..) {
            self.settle(&entry, &written);
            tell(ack, &written);
        }
        if batch.is_asked_for() {
            self.pay();
        }
        self.upkeep.wrote(count);
        self.shared.backlog.fetch_sub(count, Ordering::AcqRel);
        self.shared.progress.notify_waiters();
        for flushed in batch.flushes {
            let _ = flushed.send(()); // whoever left needs no answer
        }
    }

    /// Steps of a task of which one was lost would leave a gap. Its ending may be written: it needs no steps.
    fn refuse_gaps(&self, batch: &mut Batch) {
        let loss_of = |entry: &JournalEntry| match entry {
            JournalEntry::Admitted(_) | JournalEntry::Ended { .. } => None,
            JournalEntry::Stepped { task, .. } => self.shared.loss_of(*task),
        };
        for (entry, ack) in batch.entries.extract_if(.., |(entry, _)| loss_of(entry).is_some()) {
            tell(ack, &loss_of(&entry).map_or(Ok(()), Err));
        }
    }

    /// Remembers what an entry's fate means for its task.
    fn settle(&mut self, entry: &JournalEntry, written: &Result<(), JournalError>) {
        match (entry, written) {
            (JournalEntry::Ended { report }, written) => {
                self.shared.forget(report.task);
                self.shared.end(report.task);
                match written {
                    Ok(()) => {}
                    Err(error) if self.owed.len() < OWED_MAX => {
                        self.shared.owe(report.task, error);
                        self.owed.push(Arc::clone(report));
                    }
                    Err(error) => self.shared.lose_for_good(error),
                }
            }
            (entry, Err(error)) => entry.tasks().for_each(|task| self.shared.lose(task, error)),
            // A task that has the id anew has nothing to do with how the one before it has ended.
            (JournalEntry::Admitted(_), Ok(())) => entry.tasks().for_each(|task| self.waive(task)),
            (JournalEntry::Stepped { .. }, Ok(())) => {}
        }
    }

    /// The ending of a task is not to be written any longer.
    fn waive(&mut self, task: TaskId) {
        if !self.owed.is_empty() {
            self.owed.retain(|report| report.task != task);
            self.shared.pay(task);
        }
    }

    /// Writes the endings that could not be written before, if that is possible now.
    fn pay(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        match self.end_all() {
            Ok(()) => self.owed.drain(..).for_each(|report| self.shared.pay(report.task)),
            Err(error) => debug!(%error, endings = self.owed.len(), "still not on record"),
        }
    }

    fn end_all(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for report in &self.owed {
            end(&transaction, report, self.origin.owner)?;
        }
        transaction.commit()
    }

    /// Another process that writes is waited for, as a slow disk is.
    fn commit_patiently(
        &mut self,
        entries: &[(JournalEntry, Option<JournalAck>)],
        safety: Safety,
    ) -> rusqlite::Result<()> {
        let mut tries = 0;
        loop {
            match self.commit(entries, safety) {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && tries < BUSY_TRIES_MAX =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// One transaction: all of it, or nothing. It waits for the disk only if somebody acts on its success.
    fn commit(
        &mut self,
        entries: &[(JournalEntry, Option<JournalAck>)],
        safety: Safety,
    ) -> rusqlite::Result<()> {
        if self.safety != safety {
            safety.set(&self.connection)?;
            self.safety = safety;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (entry, _) in entries {
            apply(&transaction, entry, &self.origin)?;
        }
        transaction.commit()
    }
}

impl Drop for Writer {
    /// However it ends, nobody may wait for it any longer.
    fn drop(&mut self) {
        self.queue.end();
    }
}

fn tell(ack: Option<JournalAck>, written: &Result<(), JournalError>) {
    if let Some(ack) = ack {
        let _ = ack.send(written.clone()); // an agent that left needs no answer
    }
}
