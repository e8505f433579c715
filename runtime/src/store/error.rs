//! Why the record of runs cannot be used.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the record of runs cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no home directory to keep it in.
    #[error("there is no directory to record runs in: neither XDG_STATE_HOME nor HOME is set")]
    NoPlace,
    /// Its directory or file cannot be made.
    #[error("cannot write '{}': {source}", path.display())]
    Place {
        /// The directory or file.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// The file is no database, or a damaged one.
    #[error("'{}' is damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        detail: String,
    },
    /// A later version of the program has written it.
    #[error("'{}' has version {found}; this program knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that is known.
        known: u32,
    },
    /// It cannot be read or written now.
    #[error("the record of runs cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// The operating system gave no thread.
    #[error("no thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl StoreError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoPlace => "set XDG_STATE_HOME to a directory that you may write to",
            Self::Place { .. } => "check the permissions, or set XDG_STATE_HOME to another directory",
            Self::Damaged { .. } => {
                "move the file away: a new one is made, and old runs can no longer be resumed"
            }
            Self::Newer { .. } => "use the newer program, or set XDG_STATE_HOME to another directory",
            Self::Database(_) => {
                "check that the disk has space and that you may write to the state directory"
            }
            Self::Thread(_) => "raise the limit of processes (`ulimit -u`)",
        }
    }

    /// A failure of `SQLite` with the file at `path`.
    pub(super) fn of(path: &std::path::Path, error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.to_path_buf(), detail: error.to_string() }
            }
            _ => Self::Database(error),
        }
    }
}
