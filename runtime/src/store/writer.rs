//! The one thread that writes.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_actors::{JournalAck, JournalEntry, JournalError, TaskId};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{error, warn};

use super::apply::{Origin, apply};
use super::batch::{Batch, Command};
use super::cancelling::Wishes;
use super::lease::{self, HEARTBEAT_MS, Process};
use super::retention::{Retention, prune};

/// Times that the database may be found in use by others, after a wait of five seconds each.
const BUSY_TRIES_MAX: u32 = 12;

/// How often the writer looks for what other processes ask.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// What the writer and those who give it work share.
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
    /// The first failure, for whoever asks. Held for a copy only.
    failure: Mutex<Option<JournalError>>,
    /// Tasks of this process that have not ended, as far as the writer has heard: as long as there are any, it looks for
    /// what other processes ask. Held for an insertion or a removal only.
    open: Mutex<HashSet<TaskId>>,
}

impl Shared {
    /// Why an entry of this task was lost, if one was.
    pub(super) fn loss_of(&self, task: TaskId) -> Option<JournalError> {
        if !self.has_lost.load(Ordering::Acquire) {
            return None;
        }
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).get(&task).cloned()
    }

    /// The first failure since the start.
    pub(super) fn failure(&self) -> Option<JournalError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An entry of this task was lost: its later steps would leave a gap.
    pub(super) fn lose(&self, task: TaskId, error: &JournalError) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).entry(task).or_insert_with(|| error.clone());
        self.has_lost.store(true, Ordering::Release);
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
    }

    /// Tasks were taken by this process.
    pub(super) fn begin(&self, tasks: impl IntoIterator<Item = TaskId>) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks);
    }

    /// A task has ended, or was given back.
    pub(super) fn end(&self, task: TaskId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
    }

    fn has_open(&self) -> bool {
        !self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A task that has ended needs no memory of its loss.
    fn forget(&self, task: TaskId) {
        if self.has_lost.load(Ordering::Acquire) {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            lost.remove(&task);
            self.has_lost.store(!lost.is_empty(), Ordering::Release);
        }
    }
}

/// See the module.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) commands: Receiver<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) origin: Origin,
    pub(super) retention: Retention,
    pub(super) process: Process,
    pub(super) wishes: Wishes,
}

impl Writer {
    /// Writes until it is told to end, or nobody is left who could tell.
    pub(super) fn run(mut self) {
        if let Err(error) = prune(&mut self.connection, self.retention, &self.process) {
            warn!(%error, "old runs could not be deleted");
        }
        let heartbeat = Duration::from_millis(u64::try_from(HEARTBEAT_MS).unwrap_or(u64::MAX));
        let mut beaten = Instant::now();
        let mut looked = Instant::now();
        loop {
            let until_beat = heartbeat.saturating_sub(beaten.elapsed());
            let patience = if self.shared.has_open() { until_beat.min(LOOK_EVERY) } else { until_beat };
            let batch = Batch::gather(&self.commands, patience);
            if looked.elapsed() >= LOOK_EVERY && self.shared.has_open() {
                looked = Instant::now();
                if let Err(error) = self.wishes.look(&self.connection, self.origin.owner) {
                    warn!(%error, "the journal could not be asked for cancelled tasks");
                }
            }
            if beaten.elapsed() >= heartbeat {
                beaten = Instant::now();
                if let Err(error) = lease::beat(&self.connection, self.origin.owner) {
                    warn!(%error, "the journal's heartbeat could not be written");
                }
            }
            let Some(batch) = batch else { continue };
            let closes = batch.closes;
            self.write(batch);
            if closes {
                break;
            }
        }
        if let Err(error) = lease::leave(&self.connection, self.origin.owner) {
            warn!(%error, "the journal could not be closed in order; its tasks are free when the process has ended");
        }
    }

    /// Writes one batch and tells everybody who waits what came of it.
    fn write(&mut self, batch: Batch) {
        let is_durable = batch.must_be_durable();
        let count = batch.entries.len();
        let (entries, refused): (Vec<_>, Vec<_>) =
            batch.entries.into_iter().partition(|(entry, _)| self.may_follow(entry));
        for (entry, ack) in refused {
            let loss = entry.tasks().find_map(|task| self.shared.loss_of(task));
            tell(ack, loss.map_or(Ok(()), Err));
        }
        let written = if entries.is_empty() { Ok(()) } else { self.commit_patiently(&entries, is_durable) };
        let written = written.map_err(|error| JournalError { detail: error.to_string() });
        if let Err(error) = &written {
            error!(%error, entries = entries.len(), "the journal could not be written");
        }
        for (entry, ack) in entries {
            match (&written, &entry) {
                (_, JournalEntry::Ended { report }) => {
                    self.shared.forget(report.task);
                    self.shared.end(report.task);
                }
                (Err(error), entry) => entry.tasks().for_each(|task| self.shared.lose(task, error)),
                (Ok(()), _) => {}
            }
            tell(ack, written.clone());
        }
        self.shared.backlog.fetch_sub(count, Ordering::AcqRel);
        self.shared.progress.notify_waiters();
        for flushed in batch.flushes {
            let _ = flushed.send(()); // whoever left needs no answer
        }
    }

    /// Steps of a task of which one was lost would leave a gap. Its ending may be written: it needs no steps.
    fn may_follow(&self, entry: &JournalEntry) -> bool {
        match entry {
            JournalEntry::Admitted(_) | JournalEntry::Ended { .. } => true,
            JournalEntry::Stepped { task, .. } => self.shared.loss_of(*task).is_none(),
        }
    }

    /// Another process that writes is waited for, as a slow disk is.
    fn commit_patiently(
        &mut self,
        entries: &[(JournalEntry, Option<JournalAck>)],
        is_durable: bool,
    ) -> rusqlite::Result<()> {
        let mut tries = 0;
        loop {
            match self.commit(entries, is_durable) {
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
        is_durable: bool,
    ) -> rusqlite::Result<()> {
        let synchronous =
            if is_durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        self.connection.prepare_cached(synchronous)?.execute([])?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (entry, _) in entries {
            apply(&transaction, entry, &self.origin)?;
        }
        transaction.commit()
    }
}

fn tell(ack: Option<JournalAck>, written: Result<(), JournalError>) {
    if let Some(ack) = ack {
        let _ = ack.send(written); // an agent that left needs no answer
    }
}
