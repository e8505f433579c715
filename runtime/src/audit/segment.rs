//! One file of a trail: appended to by one thread of one process, and looked at before each write.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::place::AuditPlace;
use crate::private::{self, Opened};

/// Bytes from which on the next lines go to another file.
const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why a trail goes on in another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The file was large enough.
    Full,
    /// Writing to it failed in a way that leaves nobody sure of what is in it.
    Failed,
    /// It is gone.
    Deleted,
    /// Another file has its name.
    Replaced,
    /// Somebody else has written to it, or cut it off.
    Changed,
}

impl Reason {
    /// As it is written.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
        }
    }

    /// Whether somebody has laid hands on the file before, by a written reason.
    pub(super) fn is_interference(reason: &str) -> bool {
        ![Self::Full.as_str(), Self::Failed.as_str()].contains(&reason)
    }
}

/// See the module.
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    /// Bytes that this process has written.
    bytes: u64,
    /// Bytes from which on it is full.
    bytes_max: u64,
}

impl Segment {
    /// Makes the file, and whatever folder is missing.
    pub(super) fn create(place: &AuditPlace, session: &str, number: u32) -> io::Result<Self> {
        place.make()?;
        let path = place.segment(session, number);
        let file = private::create(&path, Opened::ToAppend)?;
        // So that the file is found again after a loss of power. Not every file system can; the lines can be all the same.
        let _ = File::open(place.trails()).and_then(|folder| folder.sync_all());
        Ok(Self { file, path, bytes: 0, bytes_max: SEGMENT_BYTES_MAX })
    }

    /// Over a file that is open already.
    #[cfg(test)]
    pub(super) fn over(file: File, path: PathBuf) -> Self {
        Self { file, path, bytes: 0, bytes_max: SEGMENT_BYTES_MAX }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    /// As if the file were as large as any may be.
    #[cfg(test)]
    pub(super) fn pretend_full(&mut self) {
        self.bytes_max = self.bytes;
    }

    /// Why it must not be appended to any longer, if it must not.
    pub(super) fn interference(&self) -> Option<Reason> {
        let Ok(own) = self.file.metadata() else { return Some(Reason::Failed) };
        let Ok(named) = fs::symlink_metadata(&self.path) else { return Some(Reason::Deleted) };
        if !is_same_file(&own, &named) {
            return Some(Reason::Replaced);
        }
        (own.len() != self.bytes).then_some(Reason::Changed)
    }

    /// Appends whole lines. Where that fails nothing of them is left, or the file is of no more use.
    ///
    /// # Errors
    /// The operating system's, and whether the file can be used again.
    pub(super) fn append(&mut self, lines: &str) -> Result<(), (io::Error, Usability)> {
        match self.file.write_all(lines.as_bytes()) {
            Ok(()) => {
                self.bytes += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                let is_whole = self.file.set_len(self.bytes).is_ok();
                Err((error, if is_whole { Usability::Whole } else { Usability::Torn }))
            }
        }
    }

    /// Waits until everything is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Its name.
    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }
}

/// What a failure has left of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usability {
    /// Exactly what was there before.
    Whole,
    /// Nobody knows.
    Torn,
}

#[cfg(unix)]
fn is_same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.created().ok() == other.created().ok()
}
