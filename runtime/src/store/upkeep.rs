//! What the writer does beside writing. All of it comes after what waits to be written, and most of it when nothing does.

use std::time::Duration;

use codex_task_actors::TaskId;
use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tracing::warn;

use super::cancelling::Wishes;
use super::lease::{self, HEARTBEAT_MS, Process};
use super::retention::Keeping;

/// How often the writer looks for what other processes ask.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Quiet after which old runs are deleted for the first time.
const QUIET: Duration = Duration::from_millis(50);
/// How often old runs are deleted.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Entries in the log that are brought into the database when nothing else is to be done. When the log grows to
/// `database::LOG_PAGES_MAX` it is done in any case.
const LOGGED_MAX: usize = 256;

/// See the module.
pub(super) struct Upkeep {
    owner: i64,
    process: Process,
    keeping: Keeping,
    wishes: Wishes,
    beaten: Instant,
    looked: Instant,
    /// When old runs were deleted.
    pruned: Option<Instant>,
    /// Entries that were written since the log was last brought into the database.
    logged: usize,
}

impl Upkeep {
    pub(super) fn new(
        owner: i64,
        process: Process,
        keeping: Keeping,
        cancelled: UnboundedSender<TaskId>,
    ) -> Self {
        let now = Instant::now();
        let wishes = Wishes::new(cancelled);
        Self { owner, process, keeping, wishes, beaten: now, looked: now, pruned: None, logged: 0 }
    }

    /// How long the writer may sleep when nothing comes.
    pub(super) fn patience(&self, has_open: bool) -> Duration {
        let until_beat = heartbeat().saturating_sub(self.beaten.elapsed());
        match (self.pruned, has_open) {
            (None, _) => QUIET,
            (Some(_), true) => until_beat.min(LOOK_EVERY.saturating_sub(self.looked.elapsed())),
            (Some(_), false) => until_beat,
        }
    }

    /// Entries were written.
    pub(super) fn wrote(&mut self, entries: usize) {
        self.logged += entries;
    }

    /// Does what is due. Returns whether it was time for a sign of life, and so for whatever else is tried now and then.
    pub(super) fn work(&mut self, connection: &mut Connection, has_open: bool, is_quiet: bool) -> bool {
        if has_open && self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            if let Err(error) = self.wishes.look(connection, self.owner) {
                warn!(%error, "the journal could not be asked for cancelled tasks");
            }
        }
        let is_time = self.beaten.elapsed() >= heartbeat();
        if is_time {
            self.beaten = Instant::now();
            if let Err(error) = lease::beat(connection, self.owner) {
                warn!(%error, "the journal's heartbeat could not be written");
            }
        }
        if is_quiet {
            self.tidy(connection);
        }
        is_time
    }

    /// Leaves everything in order for the next process.
    pub(super) fn end(&mut self, connection: &mut Connection) {
        if self.pruned.is_none() {
            self.prune(connection);
        }
        if let Err(error) = lease::leave(connection, self.owner) {
            warn!(%error, "the journal could not be closed in order; its tasks are free when the process has ended");
        }
    }

    fn tidy(&mut self, connection: &mut Connection) {
        if self.pruned.is_none_or(|pruned| pruned.elapsed() >= PRUNE_EVERY) {
            self.prune(connection);
        } else if self.logged >= LOGGED_MAX {
            self.logged = 0;
            // Passive: waits for nobody, and leaves what others still read.
            let checkpoint = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = checkpoint {
                warn!(%error, "the journal's log could not be brought into its database");
            }
        }
    }

    fn prune(&mut self, connection: &mut Connection) {
        self.pruned = Some(Instant::now());
        if let Err(error) = self.keeping.prune(connection, &self.process) {
            warn!(%error, "old runs could not be deleted");
        }
    }
}

fn heartbeat() -> Duration {
    Duration::from_millis(u64::try_from(HEARTBEAT_MS).unwrap_or(u64::MAX))
}
