//! Why a trail cannot be read.

use std::io;
use std::path::{Path, PathBuf};

/// Why a trail cannot be read. That it was changed is no error but a finding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditReadError {
    /// A file or folder cannot be read.
    #[error("'{}' cannot be read: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// A file that should hold heads does not.
    #[error("line {line} of '{}' is no head of an audit trail", path.display())]
    NoHead {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl AuditReadError {
    /// A file that cannot be read.
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_path_buf(), source }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path and its permissions",
            Self::NoHead { .. } => {
                "give a copy of a file in the folder `audit-heads` of the state directory, or several of them in one file"
            }
        }
    }
}
