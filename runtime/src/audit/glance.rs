//! A quick look at the trails: how much there is, whether more can be written, and whether the newest one is whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::error::AuditReadError;
use super::place::{AuditPlace, SessionFiles};
use super::verify::{Extent, look};
use super::walk::SessionAudit;
use crate::private::{self, Opened};

/// What is written to find out whether something can be: more than a file system keeps beside a file's name.
const PROBE: [u8; 4_096] = [0; 4_096];

/// How much the trails are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditHoldings {
    /// Sessions that have left a trail.
    pub sessions: usize,
    /// Bytes of all of them, heads included.
    pub bytes: u64,
}

/// What was found of the newest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestAudit {
    /// It, as far as it was looked at.
    pub session: SessionAudit,
    /// Whether only its end was.
    pub is_end_only: bool,
}

impl AuditPlace {
    /// How much there is.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub fn holdings(&self) -> Result<AuditHoldings, AuditReadError> {
        let sessions = self.found()?;
        let bytes = sessions.values().map(SessionFiles::bytes).sum();
        Ok(AuditHoldings { sessions: sessions.len(), bytes })
    }

    /// Whether a trail could be written now: writes something where it would be, and removes it. Makes no folder.
    ///
    /// # Errors
    /// Why not, in the operating system's words.
    pub fn probe(&self) -> io::Result<()> {
        [self.trails(), self.heads()].into_iter().try_for_each(probe)
    }

    /// Verifies the newest session: all of it, or of one with more bytes than this so many at its end. A session that
    /// still writes may be looked at.
    ///
    /// # Errors
    /// [`AuditReadError`]; that it was changed is a finding.
    pub fn newest(&self, bytes_max: u64) -> Result<Option<NewestAudit>, AuditReadError> {
        let sessions = self.found()?;
        let Some((session, files)) = sessions.last_key_value() else { return Ok(None) };
        let is_end_only = files.bytes() > bytes_max;
        let extent = if is_end_only { Extent::End { bytes_max } } else { Extent::Whole };
        let session = look(self, session, files, &[], extent)?;
        Ok(Some(NewestAudit { session, is_end_only }))
    }
}

fn probe(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|folder| folder.exists());
    let there = there.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let path = there.join(format!(".codex-task-probe-{}", std::process::id()));
    let written = private::create(&path, Opened::InPlace)?.write_all(&PROBE);
    let removed = fs::remove_file(&path);
    written.and(removed)
}
