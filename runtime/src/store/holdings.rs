//! How much is on record.

use codex_task_config::Environment;

use super::database;
use super::error::StoreError;
use super::records::Records;
use super::retention;
use crate::audit::AuditPlace;

/// How much is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Recorded runs.
    pub runs: u64,
    /// Bytes that they take in the file.
    pub bytes: u64,
    /// Bytes of the audit trails beside it.
    pub trail_bytes: u64,
}

impl Records {
    /// The user's own, if there are any: makes no file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of_user_if_any(environment: &Environment) -> Result<Option<Self>, StoreError> {
        let path = Self::path_of_user(environment)?;
        if path.exists() { Self::open(path).map(Some) } else { Ok(None) }
    }

    /// How much is on record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holdings(&self) -> Result<Holdings, StoreError> {
        let connection = database::open(self.path())?;
        let count = connection.query_row("SELECT COUNT(*) FROM runs", [], |row| row.get::<_, i64>(0));
        let held = count.and_then(|runs| Ok((runs, retention::bytes(&connection)?)));
        let (runs, bytes) = held.map_err(|error| StoreError::of(self.path(), error))?;
        let trails = self.path().parent().map(AuditPlace::below).and_then(|place| place.holdings().ok());
        let trail_bytes = trails.map_or(0, |held| held.bytes);
        Ok(Holdings { runs: u64::try_from(runs).unwrap_or_default(), bytes, trail_bytes })
    }
}
