//! Whether all trails are what was written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::anchor::AuditHead;
use super::error::AuditReadError;
use super::place::{AuditPlace, SessionFiles};
use super::walk::{AuditFault, AuditNote, SessionAudit, Walk, at};

/// What was found of all sessions, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// The sessions.
    pub sessions: Vec<SessionAudit>,
}

impl AuditReport {
    /// Whether everything is as it was written.
    pub fn is_whole(&self) -> bool {
        self.sessions.iter().all(|session| session.fault.is_none())
    }

    /// Lines that are as they were written.
    pub fn lines(&self) -> u64 {
        self.sessions.iter().map(|session| session.lines).sum()
    }
}

/// Looks through all trails. `anchors` are heads that were kept elsewhere: what was before them cannot be changed unseen
/// even by somebody who can write to the whole state directory.
///
/// # Errors
/// [`AuditReadError`] when a trail that is there cannot be read; a changed one is a finding.
pub fn verify(place: &AuditPlace, anchors: &[AuditHead]) -> Result<AuditReport, AuditReadError> {
    let found = place.found()?;
    let mut of_session: BTreeMap<&str, Vec<&AuditHead>> = BTreeMap::new();
    for anchor in anchors {
        of_session.entry(&anchor.session).or_default().push(anchor);
    }
    let mut sessions = Vec::with_capacity(found.len());
    for (session, files) in &found {
        let anchors = of_session.remove(session.as_str()).unwrap_or_default();
        sessions.push(look(place, session, files, &anchors, Extent::Whole)?);
    }
    let removed: BTreeSet<String> = sessions.iter().flat_map(|session| &session.removed).cloned().collect();
    // Whoever was deleting them was killed before the last file.
    for session in sessions.iter_mut().filter(|session| removed.contains(&session.session)) {
        (session.fault, session.notes) = (None, vec![AuditNote::Removed]);
    }
    let missing = of_session
        .into_iter()
        .map(|(session, anchors)| missing(place, session, &anchors, removed.contains(session)));
    sessions.extend(missing);
    Ok(AuditReport { sessions })
}

/// How much of a session is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// So many bytes at its end.
    End {
        /// Most bytes.
        bytes_max: u64,
    },
}

/// Looks at one session. `anchors` are heads of it that were kept elsewhere.
pub(super) fn look(
    place: &AuditPlace,
    session: &str,
    files: &SessionFiles,
    anchors: &[&AuditHead],
    extent: Extent,
) -> Result<SessionAudit, AuditReadError> {
    let own = match files.head.as_deref().map(AuditHead::read_all) {
        None => Err(AuditFault::HeadMissing),
        Some(Ok(heads)) => {
            heads.into_iter().find(|head| head.session == session).ok_or(AuditFault::HeadUnreadable)
        }
        Some(Err(_)) => Err(AuditFault::HeadUnreadable),
    };
    let kept: Vec<&AuditHead> = anchors.iter().copied().chain(own.as_ref().ok()).collect();
    if files.segments.is_empty() {
        let is_empty = kept.iter().all(|head| head.is_empty());
        let mut found = missing(place, session, &kept, /*is_removed*/ is_empty);
        if is_empty {
            found.notes = vec![AuditNote::Open];
        }
        return Ok(found);
    }
    let mut audit = match extent {
        Extent::Whole => Walk::through(session, files, &kept)?,
        Extent::End { bytes_max } => Walk::through_end(session, files, &kept, bytes_max)?,
    };
    let reached = audit.head.as_ref().map_or(0, |head| head.seq);
    match own {
        Err(fault) => {
            let head = place.head(session);
            audit.fault.get_or_insert_with(|| at(&head, None, fault));
        }
        Ok(head) if reached > head.seq && audit.fault.is_none() => {
            audit.notes.push(AuditNote::BehindHead { lines: reached - head.seq });
        }
        Ok(_) => {}
    }
    Ok(audit)
}

/// A session of which nothing but heads is there.
fn missing(place: &AuditPlace, session: &str, kept: &[&AuditHead], is_removed: bool) -> SessionAudit {
    let kept = kept.iter().map(|head| head.seq).max().unwrap_or_default();
    let fault = || at(&place.segment(session, 1), None, AuditFault::TrailMissing { kept });
    SessionAudit {
        session: session.to_owned(),
        segments: 0,
        lines: 0,
        head: None,
        fault: (!is_removed).then(fault),
        notes: if is_removed { vec![AuditNote::Removed] } else { Vec::new() },
        removed: Vec::new(),
    }
}
