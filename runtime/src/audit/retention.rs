//! How long trails are kept: one that is about recorded runs as long as one of them, any other as long as a run would be.
//! What is to be deleted is first written down in the trail of whoever deletes it, so that a copy of its head is not taken
//! for one of a trail that somebody has made away with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use codex_task_config::{Retention, WallClock};
use serde_json::json;
use tokio::time::Instant;
use tracing::warn;

use super::anchor::AuditHead;
use super::fields::object;
use super::line::Fields;
use super::place::{AuditPlace, SessionFiles};
use crate::store::{RecordedTrails, Records};

/// How often old trails are looked for.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// What decides how long trails are kept, and when that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    retention: Retention,
    /// The file of the records; there may be none.
    records: Option<PathBuf>,
    looked: Option<Instant>,
}

/// A trail that need not be kept.
pub(super) struct Doomed {
    session: String,
    files: SessionFiles,
}

impl Keeping {
    pub(super) fn new(retention: Retention, records: Option<PathBuf>) -> Self {
        Self { retention, records, looked: None }
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&self) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY)
    }

    /// The trails that need not be kept, never one of a session that lives.
    pub(super) fn doomed(&mut self, place: &AuditPlace, own: &str) -> Vec<Doomed> {
        self.looked = Some(Instant::now());
        let recorded = match self.records.as_deref().map(Records::trails_of).transpose() {
            Ok(recorded) => recorded.unwrap_or_default(),
            // Nobody knows which trails are about runs that are kept.
            Err(error) => {
                warn!(%error, "old audit trails stay, because the records cannot be read");
                return Vec::new();
            }
        };
        let sessions = match place.sessions() {
            Ok(sessions) => sessions,
            Err(error) => {
                warn!(%error, "old audit trails cannot be looked at");
                return Vec::new();
            }
        };
        // Whoever has deleted these could not say so.
        let gone = recorded.released.iter().filter(|session| !sessions.contains_key(*session));
        self.forget(&gone.cloned().collect());
        doomed(place, sessions, self.retention, &recorded, own)
    }

    /// Deletes what is on record as deleted.
    pub(super) fn delete(&self, doomed: &[Doomed]) {
        let mut gone = BTreeSet::new();
        for trail in doomed {
            match trail.delete() {
                Ok(()) => drop(gone.insert(trail.session.clone())),
                Err(error) => warn!(%error, "an old audit trail could not be deleted"),
            }
        }
        self.forget(&gone);
    }

    /// Says in the records that these trails are gone.
    fn forget(&self, gone: &BTreeSet<String>) {
        let records = self.records.as_deref().filter(|path| path.exists() && !gone.is_empty());
        if let Some(Err(error)) = records.map(|path| Records::forget_trails(path, gone)) {
            warn!(%error, "the records still have audit trails that are gone");
        }
    }
}

/// See [`Keeping::doomed`].
pub(super) fn doomed(
    place: &AuditPlace,
    sessions: BTreeMap<String, SessionFiles>,
    retention: Retention,
    recorded: &RecordedTrails,
    own: &str,
) -> Vec<Doomed> {
    let runs_max = usize::try_from(retention.runs_max).unwrap_or(usize::MAX);
    let mut too_many = sessions.len().saturating_sub(runs_max);
    let mut room = Room::of(retention, recorded, place, &sessions);
    let (mut doomed, mut free) = (Vec::new(), Vec::new());
    // What goes with its runs, or for its age, makes room before anything else has to.
    for (session, files) in sessions {
        if session == own || recorded.kept.contains(&session) {
            continue;
        }
        let trail = Doomed { session, files };
        if recorded.released.contains(&trail.session) || trail.age() > retention.age_max {
            doomed.extend(room.freed(place, trail));
            too_many = too_many.saturating_sub(1);
        } else {
            free.push(trail);
        }
    }
    for trail in free {
        if too_many == 0 && room.is_enough() {
            break;
        }
        doomed.extend(room.freed(place, trail));
        too_many = too_many.saturating_sub(1);
    }
    doomed
}

impl Doomed {
    #[cfg(test)]
    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// The line that says so.
    pub(super) fn line(&self) -> (&'static str, Fields) {
        let head = self.files.head.as_deref().and_then(|path| AuditHead::read_all(path).ok()?.pop());
        let (seq, hash) = head.map(|head| (head.seq, head.hash)).unzip();
        let removed = json!({ "removed_session": self.session, "removed_seq": seq, "removed_hash": hash });
        ("retention", object(removed))
    }

    /// Deletes it. Another session may do so at the same time; what is left when that is cut off goes the next time.
    fn delete(&self) -> io::Result<()> {
        self.files.paths().try_for_each(|path| match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
    }

    /// Since when nothing was written.
    fn age(&self) -> Duration {
        let written =
            self.files.paths().filter_map(|path| fs::metadata(path).and_then(|found| found.modified()).ok());
        written
            .max()
            .and_then(|written| WallClock::system_now().duration_since(written).ok())
            .unwrap_or_default()
    }
}

/// Bytes that runs and trails take, and may take.
struct Room {
    taken: u64,
    most: u64,
}

impl Room {
    fn of(
        retention: Retention,
        recorded: &RecordedTrails,
        place: &AuditPlace,
        sessions: &BTreeMap<String, SessionFiles>,
    ) -> Self {
        let most = retention.bytes_max.unwrap_or(u64::MAX);
        let taken = |sessions: &mut dyn Iterator<Item = (&String, &SessionFiles)>| {
            recorded.bytes + sessions.map(|(_, files)| files.bytes()).sum::<u64>()
        };
        let all = Self { taken: taken(&mut sessions.iter()), most };
        if all.is_enough() {
            return all;
        }
        // Those of living processes cannot go, and take no room from others.
        let mut ended = sessions.iter().filter(|(session, _)| !place.is_alive(session));
        Self { taken: taken(&mut ended), most }
    }

    fn is_enough(&self) -> bool {
        self.taken <= self.most
    }

    /// The trail, if it can go, and its room is free then.
    fn freed(&mut self, place: &AuditPlace, trail: Doomed) -> Option<Doomed> {
        if place.is_alive(&trail.session) {
            return None;
        }
        self.taken = self.taken.saturating_sub(trail.files.bytes());
        Some(trail)
    }
}
