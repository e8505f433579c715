//! What waits for the writer. Whoever has something to keep leaves it here and goes on; the writer is woken only when it
//! must look sooner than it would have.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_task_actors::{JournalAck, JournalEntry};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::batch::Batch;

/// Most entries of one transaction: as many as `SQLite` keeps in memory until it is written, if they are of usual size.
const ENTRIES_MAX: usize = 256;

/// How soon the writer must write what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    /// There is nothing.
    #[default]
    None,
    /// A step: what is lost of it in a crash costs one more model call.
    Step,
    /// A beginning or an ending: the sooner it is written, the less is forgotten, or paid again, after a crash.
    Mark,
    /// Somebody waits for it.
    Now,
}

impl Haste {
    /// Longest time that entries wait for others, so that a transaction, and the processor that it takes from the tasks
    /// that are about to end, is paid for many of them.
    const fn patience(self) -> Duration {
        match self {
            Self::None => Duration::MAX,
            Self::Step => Duration::from_millis(20),
            Self::Mark => Duration::from_millis(5),
            Self::Now => Duration::ZERO,
        }
    }

    fn of(entry: &JournalEntry) -> Self {
        match entry {
            JournalEntry::Admitted(_) | JournalEntry::Ended { .. } => Self::Mark,
            JournalEntry::Stepped { .. } => Self::Step,
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    /// Held for a push, or to take what is there.
    waiting: Mutex<Waiting>,
    /// Told when `haste` has grown.
    hastened: Condvar,
}

#[derive(Default)]
struct Waiting {
    batch: Batch,
    haste: Haste,
    /// Nothing more is taken: the writer ends, or has ended.
    is_closed: bool,
}

impl Queue {
    /// Leaves an entry, and who waits for it. Gives it back when the writer takes nothing more.
    pub(super) fn push(&self, entry: JournalEntry, ack: Option<JournalAck>) -> Result<(), JournalEntry> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(entry);
        }
        let haste = if ack.is_some() { Haste::Now } else { Haste::of(&entry) };
        waiting.batch.entries.push((entry, ack));
        let is_full = waiting.batch.entries.len() >= ENTRIES_MAX;
        self.hasten(waiting, if is_full { Haste::Now } else { haste });
        Ok(())
    }

    /// What is told once everything so far is written; dropped when the writer takes nothing more.
    pub(super) fn flushed(&self) -> oneshot::Receiver<()> {
        let (done, flushed) = oneshot::channel();
        let mut waiting = self.lock();
        if !waiting.is_closed {
            waiting.batch.flushes.push(done);
            self.hasten(waiting, Haste::Now);
        }
        flushed
    }

    /// Asks the writer to write what is there, and to end.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        waiting.batch.closes = true;
        self.hasten(waiting, Haste::Now);
    }

    /// The writer has ended: what it has not taken is dropped, and with it whoever waits for it.
    pub(super) fn end(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        let left = std::mem::take(&mut waiting.batch);
        drop(waiting);
        drop(left);
    }

    /// The writer's side: waits for something to write, at most so long, then for what comes with it.
    pub(super) fn gather(&self, idle_max: Duration) -> Option<Batch> {
        let mut waiting = self.wait(self.lock(), idle_max, Haste::None);
        if waiting.haste == Haste::None {
            return None;
        }
        let mut due = Instant::now() + waiting.haste.patience();
        loop {
            let now = Instant::now();
            due = due.min(now + waiting.haste.patience());
            if due <= now {
                return Some(waiting.take());
            }
            let haste = waiting.haste;
            waiting = self.wait(waiting, due - now, haste);
        }
    }

    /// Waits while there is no more haste than this.
    fn wait<'a>(
        &'a self,
        waiting: MutexGuard<'a, Waiting>,
        at_most: Duration,
        haste: Haste,
    ) -> MutexGuard<'a, Waiting> {
        let is_same = |waiting: &mut Waiting| waiting.haste == haste;
        let waited = self.hastened.wait_timeout_while(waiting, at_most, is_same);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn hasten(&self, mut waiting: MutexGuard<'_, Waiting>, haste: Haste) {
        let is_sooner = haste > waiting.haste;
        waiting.haste = haste.max(waiting.haste);
        drop(waiting);
        if is_sooner {
            self.hastened.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// One transaction's worth. Whoever flushes waits for the last of what was there.
    fn take(&mut self) -> Batch {
        if self.batch.entries.len() <= ENTRIES_MAX {
            self.haste = Haste::None;
            return std::mem::take(&mut self.batch);
        }
        let rest = self.batch.entries.split_off(ENTRIES_MAX);
        Batch { entries: std::mem::replace(&mut self.batch.entries, rest), ..Batch::default() }
    }
}
