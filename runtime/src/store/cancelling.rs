//! Asking for the end of a run that another process works on: a word in the record, which that process finds.

use std::collections::HashSet;

use codex_task_actors::{RunId, TaskId, TaskStatus};
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::mpsc::UnboundedSender;

use super::database;
use super::error::StoreError;
use super::lease::{self, Process, now_ms};
use super::question;
use super::record::status_name;
use super::records::{Records, id};

/// What became of the wish to end a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelAsked {
    /// Tasks whose process was asked to end them.
    pub asked: usize,
    /// Tasks that no process works on: they count as cancelled now, and are not gone on with. The judge of answers that
    /// are there already is one of them.
    pub dropped: usize,
    /// Tasks that had ended before.
    pub ended: usize,
}

impl Records {
    /// Asks the process that works on a run to end its tasks; it does so within a second. Tasks whose process is gone are
    /// cancelled on record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cancel(&self, run: RunId) -> Result<CancelAsked, StoreError> {
        let mut connection = database::open(self.path())?;
        let mut cancel = || -> rusqlite::Result<CancelAsked> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let rows = transaction
                .prepare("SELECT id, owner, status IS NOT NULL FROM tasks WHERE run = ?1")?
                .query_map([run.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<Vec<(String, Option<i64>, bool)>, _>>()?;
            let this = Process::current();
            let mut asked = CancelAsked::default();
            for (task, owner, has_ended) in rows {
                let lives = |owner| lease::is_alive(&transaction, owner, &this);
                if has_ended {
                    asked.ended += 1;
                } else if owner.map_or(Ok(false), lives)? {
                    asked.asked += 1;
                    let ask = "UPDATE tasks SET cancel_ms = ?2 WHERE id = ?1";
                    transaction.execute(ask, params![task, now_ms()])?;
                } else {
                    asked.dropped += 1;
                    let end = "UPDATE tasks SET owner = NULL, status = ?2, ended_ms = ?3 WHERE id = ?1";
                    let cancelled = status_name(TaskStatus::Cancelled);
                    transaction.execute(end, params![task, cancelled, now_ms()])?;
                }
            }
            if question::missing_judge(&transaction, run)?.is_some()
                && !question::is_held(&transaction, run, &this)?
            {
                question::give_up(&transaction, run)?;
                asked.dropped += usize::from(asked.dropped == 0);
            }
            transaction.commit()?;
            Ok(asked)
        };
        cancel().map_err(|error| StoreError::of(self.path(), error))
    }
}

/// Looks for what other processes ask of this one.
pub(super) struct Wishes {
    /// Where they are told.
    pub(super) tell: UnboundedSender<TaskId>,
    /// The last version of the data that was looked at: another one means that somebody else has written.
    version: Option<i64>,
    /// What was told already.
    told: HashSet<TaskId>,
}

impl Wishes {
    pub(super) fn new(tell: UnboundedSender<TaskId>) -> Self {
        Self { tell, version: None, told: HashSet::new() }
    }

    /// One look; as long as nobody else has written it reads no table.
    pub(super) fn look(&mut self, connection: &Connection, owner: i64) -> rusqlite::Result<()> {
        let version: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version == Some(version) {
            return Ok(());
        }
        let mut query = connection.prepare_cached(
            "SELECT id FROM tasks WHERE cancel_ms IS NOT NULL AND status IS NULL AND owner = ?1",
        )?;
        let wanted =
            query.query_map([owner], |row| id::<TaskId>(row, 0))?.collect::<Result<HashSet<_>, _>>()?;
        for task in wanted.difference(&self.told) {
            let _ = self.tell.send(*task); // a host that does not listen cancels nothing
        }
        self.told = wanted;
        self.version = Some(version);
        Ok(())
    }
}
