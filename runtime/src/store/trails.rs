//! Which audit trails are about which runs: a trail stays as long as one of its runs, and goes with the last of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use super::database;
use super::error::StoreError;
use super::recorder::Recorder;
use super::records::Records;
use super::retention;
use crate::audit::AuditPlace;

/// The trail that is about what a recorder records now, if there is one.
#[derive(Debug, Default)]
pub(super) struct Trail(Mutex<Option<Arc<str>>>);

impl Trail {
    /// From now on it is this session's.
    pub(super) fn set(&self, session: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.into());
    }

    /// Writes down that it is about this run, too.
    pub(super) fn covers(&self, connection: &Connection, run: &str) -> rusqlite::Result<()> {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(session) = session else { return Ok(()) };
        connection
            .prepare_cached("INSERT OR IGNORE INTO trails (session, run) VALUES (?1, ?2)")?
            .execute(params![session, run])
            .map(drop)
    }
}

/// What the records say of trails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordedTrails {
    /// Sessions of which a run is on record.
    pub(crate) kept: BTreeSet<String>,
    /// Sessions of which every run was deleted.
    pub(crate) released: BTreeSet<String>,
    /// Bytes that the runs take.
    pub(crate) bytes: u64,
}

impl RecordedTrails {
    /// Without the bytes.
    fn sessions(connection: &Connection) -> rusqlite::Result<Self> {
        let mut query = connection.prepare_cached(
            "SELECT session, COUNT(runs.id) > 0 FROM trails LEFT JOIN runs ON runs.id = trails.run GROUP BY session",
        )?;
        let mut trails = Self::default();
        for row in query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (session, is_kept): (String, bool) = row?;
            let sessions = if is_kept { &mut trails.kept } else { &mut trails.released };
            sessions.insert(session);
        }
        Ok(trails)
    }
}

impl Records {
    /// What the records in this file say of trails; nothing where there is no such file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn trails_of(path: &Path) -> Result<RecordedTrails, StoreError> {
        if !path.exists() {
            return Ok(RecordedTrails::default());
        }
        let connection = database::open(path)?;
        let read = || -> rusqlite::Result<RecordedTrails> {
            Ok(RecordedTrails {
                bytes: retention::bytes(&connection)?,
                ..RecordedTrails::sessions(&connection)?
            })
        };
        read().map_err(|error| StoreError::of(path, error))
    }

    /// The trails of these sessions are gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn forget_trails(path: &Path, sessions: &BTreeSet<String>) -> Result<(), StoreError> {
        let mut connection = database::open(path)?;
        let mut forget = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            for session in sessions {
                transaction.execute("DELETE FROM trails WHERE session = ?1", [session])?;
            }
            transaction.commit()
        };
        forget().map_err(|error| StoreError::of(path, error))
    }
}

/// Bytes of trails, each found out once: what is deleted meanwhile is looked up.
#[derive(Default)]
pub(super) struct TrailSizes(BTreeMap<String, u64>);

impl TrailSizes {
    /// Those of all sessions.
    pub(super) fn of(place: &AuditPlace) -> Self {
        Self(place.sizes().unwrap_or_default())
    }

    /// Without those of living processes: they cannot be deleted, and take no room from others.
    pub(super) fn leave_out_living(&mut self, place: &AuditPlace) {
        self.0.retain(|session, _| !place.is_alive(session));
    }

    /// Bytes of those that stay when the runs stay that are there now.
    pub(super) fn staying(&self, connection: &Connection) -> rusqlite::Result<u64> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let RecordedTrails { released, .. } = RecordedTrails::sessions(connection)?;
        let staying = self.0.iter().filter(|(session, _)| !released.contains(*session));
        Ok(staying.map(|(_, bytes)| bytes).sum())
    }
}

impl Recorder {
    /// What is recorded from now on is also in the trail of this session, which goes when its last run does.
    pub(crate) fn audited_by(&self, session: &str) {
        self.trail.set(session);
    }
}
