//! One session's chain, walked from its first line to its last.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::anchor::AuditHead;
use super::error::AuditReadError;
use super::line::{GENESIS, LineFault, SealedLine};
use super::place::SessionFiles;
use super::segment::Reason;

/// What was found of one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionAudit {
    /// The session.
    pub session: String,
    /// Its files.
    pub segments: usize,
    /// Lines that are as they were written.
    pub lines: u64,
    /// Where the chain ends, as far as it holds.
    pub head: Option<AuditHead>,
    /// The first thing that is not as it was written.
    pub fault: Option<FaultPlace>,
    /// What is worth knowing and breaks nothing.
    pub notes: Vec<AuditNote>,
    /// Trails that this session has deleted because they were old enough.
    #[serde(skip)]
    pub(super) removed: Vec<String>,
}

/// Where a trail is not what was written, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultPlace {
    /// The file, or the folder of what should be there.
    pub path: PathBuf,
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// Why.
    pub fault: AuditFault,
}

/// Why a trail is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditFault {
    /// A line that is none.
    #[error("the line is no line of an audit trail")]
    Unreadable,
    /// A line in other bytes than it was written in.
    #[error("the line was written in other bytes")]
    Rewritten,
    /// A line that was changed.
    #[error("the line was changed: its hash does not fit")]
    Changed,
    /// A line of another session.
    #[error("the line belongs to another session")]
    Foreign,
    /// Lines were removed, added or swapped.
    #[error("line {expected} of the session should stand here, this is line {found}")]
    OutOfOrder {
        /// The number that follows.
        expected: u64,
        /// The number that is there.
        found: u64,
    },
    /// A line that was not written behind the one before it.
    #[error("the line does not follow the one before it: one of them was exchanged")]
    Unlinked,
    /// A whole file is missing.
    #[error("file {number} of the session is missing")]
    SegmentMissing {
        /// Its number, from 1.
        number: u32,
    },
    /// Somebody laid hands on a file while it was written.
    #[error("the file before it was {reason} while the session wrote to it")]
    Interference {
        /// `deleted`, `replaced` or `changed`.
        reason: String,
    },
    /// The end is missing.
    #[error("the trail ends at line {found}, and there was a line {kept}: its end was cut off")]
    CutOff {
        /// The last line.
        found: u64,
        /// The line that was the last one when its head was kept.
        kept: u64,
    },
    /// The line that was the last one when its head was kept is another one now.
    #[error("the line is another one than the head that was kept of it: the trail was written anew")]
    WrittenAnew,
    /// The whole trail is missing.
    #[error("the trail is missing, and its head says that there was one of {kept} lines")]
    TrailMissing {
        /// The line that was the last one when its head was kept.
        kept: u64,
    },
    /// There is no second copy of the chain's end.
    #[error("the second copy of the trail's end is missing: nobody can tell whether its end was cut off")]
    HeadMissing,
    /// The second copy of the chain's end cannot be read.
    #[error("the second copy of the trail's end cannot be read")]
    HeadUnreadable,
}

/// What is worth knowing of a trail and breaks nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditNote {
    /// The last line was not written to its end.
    #[error(
        "the last {bytes} bytes are no whole line: the process was killed, or the machine lost power, while it wrote"
    )]
    Torn {
        /// Bytes behind the last whole line.
        bytes: u64,
    },
    /// Lines behind the head that was kept.
    #[error(
        "the last {lines} lines are newer than the head that was kept: the process was killed before it kept a newer one, \
             or somebody has added them"
    )]
    BehindHead {
        /// How many.
        lines: u64,
    },
    /// Records that could not be written.
    #[error("{lost} records could not be written before line {line}, and no tool ran meanwhile")]
    Gap {
        /// How many.
        lost: u64,
        /// The line that says so.
        line: u64,
    },
    /// The session has no end.
    #[error("the session is still going on, or its process was killed")]
    Open,
    /// A trail of which a head was given was deleted when it was old enough, and the deletion is on record.
    #[error("the trail was deleted when it was old enough, as another one says")]
    Removed,
}

/// Whether the next line is tied to what was walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seam {
    /// It is.
    Closed,
    /// The walk begins in the middle: the next line says what was before it.
    Open,
}

/// The state of a walk.
pub(super) struct Walk<'a> {
    session: &'a str,
    seq: u64,
    hash: String,
    seam: Seam,
    /// Lines that were walked.
    lines: u64,
    /// Heads that were kept, of which the line has not come yet.
    kept: Vec<&'a AuditHead>,
    notes: Vec<AuditNote>,
    removed: Vec<String>,
    has_ended: bool,
}

impl<'a> Walk<'a> {
    /// Walks a session's files. `kept` are the heads that were kept of it.
    pub(super) fn through(
        session: &'a str,
        files: &SessionFiles,
        kept: &[&'a AuditHead],
    ) -> Result<SessionAudit, AuditReadError> {
        let mut walk = Self::new(session, kept);
        let fault = walk.segments(files)?;
        Ok(walk.end(files, fault))
    }

    /// Walks so many bytes at the end of a session's last file; what was before is taken as the first line there has it.
    pub(super) fn through_end(
        session: &'a str,
        files: &SessionFiles,
        kept: &[&'a AuditHead],
        bytes_max: u64,
    ) -> Result<SessionAudit, AuditReadError> {
        let mut walk = Self::new(session, kept);
        // A process may have been killed before it wrote to its last file.
        let bytes = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        let Some(last) = files.segments.values().rev().find(|path| bytes(path) > 0) else {
            return Self::through(session, files, kept);
        };
        walk.seam = Seam::Open;
        let skipped = bytes(last).saturating_sub(bytes_max);
        let fault = match walk.segment_from(last, skipped)? {
            Some(place) => Some(place),
            None => walk.cut_off(last),
        };
        Ok(walk.end(files, fault))
    }

    fn new(session: &'a str, kept: &[&'a AuditHead]) -> Self {
        Walk {
            session,
            seq: 0,
            hash: GENESIS.to_owned(),
            seam: Seam::Closed,
            lines: 0,
            kept: kept.iter().copied().filter(|head| !head.is_empty()).collect(),
            notes: Vec::new(),
            removed: Vec::new(),
            has_ended: false,
        }
    }

    fn end(mut self, files: &SessionFiles, fault: Option<FaultPlace>) -> SessionAudit {
        let session = self.session.to_owned();
        let head = (self.seq > 0).then_some(AuditHead { session, seq: self.seq, hash: self.hash });
        if fault.is_none() && !self.has_ended {
            self.notes.push(AuditNote::Open);
        }
        SessionAudit {
            session: self.session.to_owned(),
            segments: files.segments.len(),
            lines: self.lines,
            head,
            fault,
            notes: self.notes,
            removed: self.removed,
        }
    }

    fn segments(&mut self, files: &SessionFiles) -> Result<Option<FaultPlace>, AuditReadError> {
        let mut interference = None;
        for ((number, path), expected) in files.segments.iter().zip(1_u32..) {
            if *number != expected {
                return Ok(Some(at(path, None, AuditFault::SegmentMissing { number: expected })));
            }
            match self.segment(path)? {
                Some(place) if matches!(place.fault, AuditFault::Interference { .. }) => {
                    interference.get_or_insert(place);
                }
                Some(place) => return Ok(Some(place)),
                None => {}
            }
        }
        let last = files.segments.values().next_back();
        Ok(interference.or_else(|| self.cut_off(last?)))
    }

    /// Whether a head was kept of lines that are not there; notes when there are lines behind the newest head.
    fn cut_off(&mut self, last: &Path) -> Option<FaultPlace> {
        let missing = self.kept.iter().map(|head| head.seq).max()?;
        Some(at(last, None, AuditFault::CutOff { found: self.seq, kept: missing }))
    }

    /// Walks one file. Hands laid on an earlier file do not end the walk: what follows may be whole.
    fn segment(&mut self, path: &Path) -> Result<Option<FaultPlace>, AuditReadError> {
        self.segment_from(path, /*skipped*/ 0)
    }

    /// Walks what is behind so many bytes of a file, from the next whole line on.
    fn segment_from(&mut self, path: &Path, skipped: u64) -> Result<Option<FaultPlace>, AuditReadError> {
        let unreadable = |error| AuditReadError::file(path, error);
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut bytes, mut interference) = (Vec::new(), None);
        if skipped > 0 {
            // The line break before is what tells a whole line from the rest of one.
            reader.seek(SeekFrom::Start(skipped - 1)).map_err(unreadable)?;
            reader.read_until(b'\n', &mut bytes).map_err(unreadable)?;
        }
        let is_whole = skipped == 0; // else nobody has counted the lines before
        for line in 1.. {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
                break;
            }
            let Some(text) = bytes.strip_suffix(b"\n") else {
                self.notes.push(AuditNote::Torn { bytes: bytes.len() as u64 });
                break;
            };
            let fault = match SealedLine::read(text) {
                Ok(sealed) => self.step(&sealed),
                Err(fault) => Some(fault.into()),
            };
            match fault {
                Some(fault @ AuditFault::Interference { .. }) => {
                    interference = Some(at(path, is_whole.then_some(line), fault));
                }
                Some(fault) => return Ok(Some(at(path, is_whole.then_some(line), fault))),
                None => {}
            }
        }
        Ok(interference)
    }

    /// One line further.
    fn step(&mut self, line: &SealedLine) -> Option<AuditFault> {
        if std::mem::replace(&mut self.seam, Seam::Closed) == Seam::Open {
            self.seq = line.seq.saturating_sub(1);
            self.hash.clone_from(&line.prev);
            self.kept.retain(|head| head.seq >= line.seq);
        }
        let expected = self.seq + 1;
        if line.session != self.session {
            return Some(AuditFault::Foreign);
        }
        if line.seq != expected {
            return Some(AuditFault::OutOfOrder { expected, found: line.seq });
        }
        if line.prev != self.hash {
            return Some(AuditFault::Unlinked);
        }
        let reached = |head: &&AuditHead| head.seq == expected;
        if self.kept.iter().any(|head| reached(head) && head.hash != line.hash) {
            return Some(AuditFault::WrittenAnew);
        }
        self.kept.retain(|head| !reached(head));
        self.seq = expected;
        self.lines += 1;
        self.hash.clone_from(&line.hash);
        self.has_ended = line.event == "session_end";
        match line.event.as_str() {
            "gap" => {
                let lost = line.number("lost").unwrap_or_default();
                self.notes.push(AuditNote::Gap { lost, line: expected });
                None
            }
            "retention" => {
                self.removed.extend(line.text("removed_session").map(str::to_owned));
                None
            }
            "segment" => {
                let reason = line.text("reason").unwrap_or_default().to_owned();
                Reason::is_interference(&reason).then_some(AuditFault::Interference { reason })
            }
            _ => None,
        }
    }
}

impl From<LineFault> for AuditFault {
    fn from(fault: LineFault) -> Self {
        match fault {
            LineFault::Unreadable => Self::Unreadable,
            LineFault::NotCanonical => Self::Rewritten,
            LineFault::WrongHash => Self::Changed,
        }
    }
}

/// A fault and its place.
pub(super) fn at(path: &Path, line: Option<usize>, fault: AuditFault) -> FaultPlace {
    FaultPlace { path: path.to_path_buf(), line, fault }
}
