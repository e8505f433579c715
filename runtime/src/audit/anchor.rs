//! The head of a chain, kept a second time: a chain alone does not show that its end was cut off.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::AuditReadError;
use super::line::{Chain, GENESIS};
use crate::private::{self, Opened};

/// Bytes of a head file, whatever its numbers: it is written in place, in one go.
const HEAD_BYTES: usize = 200;

/// The end of a chain as it was at some time. A copy of it, kept elsewhere, shows any change of what was before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuditHead {
    /// The session.
    pub session: String,
    /// Number of the last line.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl AuditHead {
    pub(super) fn of(chain: &Chain) -> Self {
        Self { session: chain.session.to_string(), seq: chain.seq, hash: chain.hash.clone() }
    }

    /// Whether it stands for a chain without a line.
    pub(super) fn is_empty(&self) -> bool {
        self.seq == 0 && self.hash == GENESIS
    }

    /// The heads in a file, one in each line.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub fn read_all(path: &Path) -> Result<Vec<Self>, AuditReadError> {
        let text = fs::read_to_string(path).map_err(|error| AuditReadError::file(path, error))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let heads: Vec<Self> = lines
            .map(|(index, line)| {
                let no_head = |_| AuditReadError::NoHead { path: path.to_path_buf(), line: index + 1 };
                serde_json::from_str(line).map_err(no_head)
            })
            .collect::<Result<_, _>>()?;
        // An empty copy would vouch for everything.
        if heads.is_empty() {
            return Err(AuditReadError::NoHead { path: path.to_path_buf(), line: 1 });
        }
        Ok(heads)
    }
}

/// The file with the head of a session that is alive. It is locked as long as the session lives.
pub(super) struct HeadFile(File);

impl HeadFile {
    /// Makes it.
    pub(super) fn create(path: &Path, chain: &Chain) -> io::Result<Self> {
        let mut head = Self(private::create(path, Opened::InPlace)?);
        // Nobody else writes here; whoever deletes old trails looks whether it is locked.
        let _ = head.0.try_lock();
        head.write(chain)?;
        Ok(head)
    }

    /// Writes the head. A process that is killed leaves the one before or this one.
    pub(super) fn write(&mut self, chain: &Chain) -> io::Result<()> {
        let mut text = serde_json::to_string(&AuditHead::of(chain))?;
        let blanks = HEAD_BYTES.saturating_sub(text.len() + 1);
        text.extend(std::iter::repeat_n(' ', blanks));
        text.push('\n');
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(text.as_bytes())
    }

    /// Waits until it is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Whether a process holds the session whose head this is.
pub(super) fn is_alive(head: &Path) -> bool {
    let Ok(file) = File::open(head) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}
