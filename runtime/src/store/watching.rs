//! Following a run that another process works on.

use std::time::Duration;

use codex_task_actors::RunId;
use rusqlite::Connection;
use tokio::time::Instant;

use super::database;
use super::error::StoreError;
use super::record::RunRecord;
use super::records::{Records, read_run};

/// How often a run is read although nobody has written: its process may be gone without a word.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// A run as it changes; made by [`Records::watch`].
#[derive(Debug)]
pub struct RunWatch {
    records: Records,
    connection: Connection,
    run: RunId,
    version: Option<i64>,
    looked: Instant,
    last: Option<RunRecord>,
}

impl Records {
    /// Follows a run, in this process or another.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watch(&self, run: RunId) -> Result<RunWatch, StoreError> {
        let connection = database::open(self.path())?;
        let looked = Instant::now();
        Ok(RunWatch { records: self.clone(), connection, run, version: None, looked, last: None })
    }
}

impl RunWatch {
    /// The run, if it is not what it was at the last look. Blocks for a moment; ask again after a while.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn changed(&mut self) -> Result<Option<RunRecord>, StoreError> {
        self.look().map_err(|error| StoreError::of(self.records.path(), error))
    }

    fn look(&mut self) -> rusqlite::Result<Option<RunRecord>> {
        let version =
            self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version == Some(version) && self.looked.elapsed() < LOOK_AT_LEAST_EVERY {
            return Ok(None);
        }
        self.version = Some(version);
        self.looked = Instant::now();
        let found = read_run(&self.connection, self.run)?;
        if found.is_none() || found == self.last {
            return Ok(None);
        }
        self.last.clone_from(&found);
        Ok(found)
    }
}
