//! How long trails are kept: as long as runs. What is to be deleted is first written down in the trail of whoever deletes
//! it, so that a copy of its head is not taken for one of a trail that somebody has made away with.

use std::fs;
use std::io;
use std::time::Duration;

use codex_task_config::{Retention, WallClock};
use serde_json::json;

use super::anchor::{self, AuditHead};
use super::fields::object;
use super::line::Fields;
use super::place::{AuditPlace, SessionFiles};

/// A trail that need not be kept.
pub(super) struct Doomed {
    session: String,
    files: SessionFiles,
}

/// The trails of sessions that are too old or too many, never of one that lives.
pub(super) fn doomed(place: &AuditPlace, retention: Retention, own: &str) -> io::Result<Vec<Doomed>> {
    let sessions = place.sessions()?;
    let runs_max = usize::try_from(retention.runs_max).unwrap_or(usize::MAX);
    let too_many = sessions.len().saturating_sub(runs_max);
    let is_doomed = |(index, (session, files)): &(usize, (String, SessionFiles))| {
        let is_alive = || files.head.as_deref().is_some_and(anchor::is_alive);
        session != own && (*index < too_many || age(files) > retention.age_max) && !is_alive()
    };
    let doomed = sessions.into_iter().enumerate().filter(is_doomed);
    Ok(doomed.map(|(_, (session, files))| Doomed { session, files }).collect())
}

impl Doomed {
    /// The line that says so.
    pub(super) fn line(&self) -> (&'static str, Fields) {
        let head = self.files.head.as_deref().and_then(|path| AuditHead::read_all(path).ok()?.pop());
        let (seq, hash) = head.map(|head| (head.seq, head.hash)).unzip();
        let removed = json!({ "removed_session": self.session, "removed_seq": seq, "removed_hash": hash });
        ("retention", object(removed))
    }

    /// Deletes it.
    pub(super) fn delete(&self) -> io::Result<()> {
        // What is left when that is interrupted is old, and goes the next time.
        self.files.segments.values().chain(&self.files.head).try_for_each(fs::remove_file)
    }
}

/// Since when nothing was written.
fn age(files: &SessionFiles) -> Duration {
    let paths = files.segments.values().chain(&files.head);
    let written = paths.filter_map(|path| fs::metadata(path).and_then(|found| found.modified()).ok()).max();
    written.and_then(|written| WallClock::system_now().duration_since(written).ok()).unwrap_or_default()
}
