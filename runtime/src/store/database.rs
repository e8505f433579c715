//! Opening the file: only for its owner's eyes, in WAL mode, at the newest version.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::StoreError;
use super::schema;
use crate::private::{self, Opened};

/// Time that one process waits for another's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two tries where `SQLite` does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Tries there, in all as long as the time that it waits by itself.
const BUSY_TRIES_MAX: u32 = 1_000;

/// Pages of the log above which whoever writes brings it into the database, at the cost of waiting for the disk: 32 MB.
/// Before that, the journal's writer does when nobody waits for it.
const LOG_PAGES_MAX: u32 = 8_000;

/// What a transaction survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// The end of its process; whether also a loss of power is the operating system's choice.
    Process,
    /// A loss of power: it is on disk before it counts as done.
    Power,
}

impl Safety {
    /// From now on.
    pub(super) fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        let level = match self {
            Self::Process => "NORMAL",
            Self::Power => "FULL",
        };
        connection.pragma_update(None, "synchronous", level)
    }
}

/// Opens the database at `path`, and makes it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let place = |source| StoreError::Place { path: path.to_path_buf(), source };
    if let Some(directory) = path.parent() {
        private::make_directory(directory).map_err(place)?;
    }
    make_file(path).map_err(place)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepared = Connection::open_with_flags(path, flags).and_then(|mut connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        log_ahead(&connection)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
        Safety::Process.set(&connection)?;
        let migrated = schema::migrate(&mut connection)?;
        Ok((connection, migrated))
    });
    match prepared {
        Ok((connection, Ok(()))) => Ok(connection),
        Ok((_, Err(found))) => {
            Err(StoreError::Newer { path: path.to_path_buf(), found, known: schema::newest() })
        }
        Err(error) => Err(StoreError::of(path, error)),
    }
}

/// Switches to WAL, which a new file is not in. While another process does the same, `SQLite` says that it is busy, at
/// once and whatever the time-out is.
fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let switch = || connection.pragma_update(None, "journal_mode", "WAL");
    for _ in 0..BUSY_TRIES_MAX {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                thread::park_timeout(BUSY_PAUSE);
            }
            switched => return switched,
        }
    }
    switch()
}

/// Made before `SQLite` sees it, so that its companions get the same permissions. A file that is there must not be
/// opened: closing it again would drop the locks that `SQLite` holds on it elsewhere in this process.
fn make_file(path: &Path) -> io::Result<()> {
    match private::create(path, Opened::InPlace) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn processes_that_make_the_record_at_the_same_time_all_have_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("runs.db");
            let start = Barrier::new(8);
            thread::scope(|scope| {
                let open = || {
                    start.wait();
                    open(&path).map(drop)
                };
                let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for opened in opened {
                    opened.join().expect("nobody panics").expect("it is there");
                }
            });
        }
    }
}
