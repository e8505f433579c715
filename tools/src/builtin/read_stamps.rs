//! What an agent has seen of which file: the ground for "read it first" and "modified since read".

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::blocks::{BLOCK_BYTES, Blocks};
use super::text::TEXT_BYTES_MAX;
use crate::ToolError;

const NOT_READ: &str = "File has not been read yet. Read it first before writing to it.";
const MODIFIED: &str = "File has been modified since read, either by the user or by a linter. Read it again before \
    attempting to write it.";

/// How a file was when the agent saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// A file that was read to its end: the content counts, not the time.
    Content { bytes: u64, hash: u64 },
    /// A file too large for that.
    Size { bytes: u64, modified: Option<SystemTime> },
}

/// The stamps of one agent's session. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadStamps {
    /// Random for each session, so that no file can be made to collide on purpose.
    hasher: RandomState,
    /// By real path. Held for single look-ups only, never across file work.
    seen: Arc<Mutex<HashMap<PathBuf, Stamp>>>,
}

impl ReadStamps {
    /// Begins the hash of a content that comes in blocks.
    pub(super) fn hash(&self) -> ContentHash {
        ContentHash { hasher: self.hasher.build_hasher(), bytes: 0 }
    }

    /// Remembers a file as it was seen.
    pub(super) fn record(&self, real: &Path, stamp: Stamp) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(real.to_owned(), stamp);
    }

    /// Remembers a file by the content that was written to it.
    pub(super) fn record_content(&self, real: &Path, content: &[u8]) {
        self.record(real, self.of_content(content));
    }

    /// Checks that the agent has seen the file as it is now, by its content.
    ///
    /// # Errors
    /// [`ToolError::Input`] in Claude Code's words when it has not.
    pub(super) fn check_content(&self, real: &Path, content: &[u8]) -> Result<(), ToolError> {
        self.check(real, self.of_content(content))
    }

    /// Checks that the agent has seen the file as it is now. Reads the file, from its beginning.
    ///
    /// # Errors
    /// [`ToolError::Input`] in Claude Code's words when it has not.
    pub(super) fn check_file(&self, real: &Path, file: &File) -> Result<(), ToolError> {
        let now = self.of_file(file).map_err(|error| ToolError::Failed(error.to_string()))?;
        self.check(real, now)
    }

    fn check(&self, real: &Path, now: Stamp) -> Result<(), ToolError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(real).copied();
        match seen {
            None => Err(ToolError::Input(NOT_READ.to_owned())),
            Some(seen) if seen == now => Ok(()),
            Some(_) => Err(ToolError::Input(MODIFIED.to_owned())),
        }
    }

    fn of_content(&self, content: &[u8]) -> Stamp {
        let size = Stamp::of_length(content);
        if size.is_large() {
            return size;
        }
        let mut hash = self.hash();
        content.chunks(BLOCK_BYTES).for_each(|block| hash.push(block));
        hash.finish()
    }

    fn of_file(&self, file: &File) -> io::Result<Stamp> {
        let size = Stamp::of_size(file)?;
        if size.is_large() {
            return Ok(size);
        }
        let mut hash = self.hash();
        let mut blocks = Blocks::new(file);
        while let Some(block) = blocks.next()? {
            hash.push(block);
            // It grew while it was read.
            if hash.is_large() {
                return Stamp::of_size(file);
            }
        }
        Ok(hash.finish())
    }
}

impl Stamp {
    /// The stamp of a file that is too large to be read to its end.
    pub(super) fn of_size(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self::Size { bytes: metadata.len(), modified: metadata.modified().ok() })
    }

    /// The stamp of a content that is too large to be hashed.
    pub(super) fn of_length(content: &[u8]) -> Self {
        Self::Size { bytes: u64::try_from(content.len()).unwrap_or(u64::MAX), modified: None }
    }

    /// The size of the file.
    pub(super) fn bytes(self) -> u64 {
        let (Self::Content { bytes, .. } | Self::Size { bytes, .. }) = self;
        bytes
    }

    /// Whether the file is too large to be held or hashed as a whole.
    pub(super) fn is_large(self) -> bool {
        usize::try_from(self.bytes()).map_or(true, |bytes| bytes > TEXT_BYTES_MAX)
    }
}

/// The hash of a content. All but the last block have [`BLOCK_BYTES`].
#[derive(Debug)]
pub(super) struct ContentHash {
    hasher: std::hash::DefaultHasher,
    bytes: u64,
}

impl ContentHash {
    pub(super) fn push(&mut self, block: &[u8]) {
        self.hasher.write(block);
        self.bytes = self.bytes.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
    }

    pub(super) fn finish(self) -> Stamp {
        Stamp::Content { bytes: self.bytes, hash: self.hasher.finish() }
    }

    fn is_large(&self) -> bool {
        Stamp::Content { bytes: self.bytes, hash: 0 }.is_large()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(result: Result<(), ToolError>) -> String {
        result.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_file_counts_as_seen_by_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "one").unwrap();
        let stamps = ReadStamps::default();
        let check = || words(stamps.check_file(&path, &File::open(&path).unwrap()));
        assert_eq!(check(), NOT_READ);
        stamps.record_content(&path, b"one");
        assert_eq!(check(), "fine");
        assert_eq!(words(stamps.check_content(&path, b"one")), "fine");
        std::fs::write(&path, "two").unwrap();
        assert_eq!(check(), MODIFIED, "same length, perhaps within the same tick of the clock");
        std::fs::write(&path, "one").unwrap();
        assert_eq!(check(), "fine", "touched, not changed");
    }

    #[test]
    fn a_large_file_counts_as_seen_by_its_size_and_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let file = File::create_new(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let stamps = ReadStamps::default();
        stamps.record(&path, Stamp::of_size(&file).unwrap());
        assert_eq!(words(stamps.check_file(&path, &file)), "fine");
        file.set_len((1 << 40) + 1).unwrap();
        assert_eq!(words(stamps.check_file(&path, &file)), MODIFIED);
    }
}
