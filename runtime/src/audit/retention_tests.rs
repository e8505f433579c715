//! Which trails go, and what is said of it.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use codex_task_config::Retention;
use tempfile::TempDir;

use super::retention::{Doomed, Keeping, doomed};
use super::testing::Bench;
use super::walk::AuditNote;
use crate::store::RecordedTrails;

/// A folder with trails of sessions that have ended.
fn trails(sessions: &[&str]) -> TempDir {
    let mut folder = tempfile::tempdir().expect("a folder");
    for session in sessions {
        let mut bench = Bench::session_in(folder, session);
        bench.tell(3).expect("it is written");
        bench.end();
        folder = bench.folder;
    }
    folder
}

fn names(sessions: &[&str]) -> BTreeSet<String> {
    sessions.iter().map(|session| (*session).to_owned()).collect()
}

/// The sessions that go.
fn going(bench: &Bench, retention: Retention, recorded: &RecordedTrails) -> Vec<String> {
    let sessions = bench.place.sessions().expect("they are read");
    let doomed = doomed(&bench.place, sessions, retention, recorded, &bench.writer.chain.session);
    doomed.iter().map(Doomed::session).map(str::to_owned).collect()
}

#[test]
fn old_trails_go_and_their_going_is_on_record() {
    let mut old = Bench::session_in(tempfile::tempdir().expect("a folder"), "a-old");
    old.tell(1).expect("it is written");
    old.end();
    let copy = super::anchor::AuditHead::read_all(&old.place.head("a-old")).expect("a head");
    let Bench { folder, writer, .. } = old;
    drop(writer);
    let living = Bench::session_in(folder, "b-living");
    let Bench { folder, writer: living, .. } = living;
    let mut next = Bench::session_in(folder, "c-next");
    let retention = Retention { runs_max: 1, ..Retention::default() };
    next.writer.keeping = Keeping::new(retention, None);
    next.writer.tidy();
    let report = next.verify_with(&copy);
    assert!(report.is_whole(), "{report:?}");
    let sessions: Vec<&str> = report.sessions.iter().map(|session| session.session.as_str()).collect();
    assert_eq!(sessions, ["b-living", "c-next", "a-old"], "what lives stays, however many there are");
    assert_eq!(report.sessions[2].notes, [AuditNote::Removed]);
    drop(living);
}

#[test]
fn a_trail_stays_with_its_runs_and_goes_with_the_last_of_them() {
    let bench = Bench::session_in(trails(&["a", "b", "c"]), "own");
    let recorded = RecordedTrails { kept: names(&["a"]), released: names(&["b", "own"]), bytes: 0 };
    assert_eq!(going(&bench, Retention::default(), &recorded), ["b"], "a session does not delete itself");
    let strict = Retention { age_max: Duration::ZERO, runs_max: 1, bytes_max: Some(1) };
    assert_eq!(going(&bench, strict, &recorded), ["b", "c"], "a run of the first one is on record");
}

#[test]
fn the_oldest_go_for_want_of_room_until_there_is_enough() {
    let living = Bench::session_in(trails(&["a", "b", "c"]), "d-living");
    let Bench { folder, writer: living, .. } = living;
    let bench = Bench::session_in(folder, "own");
    let sizes = bench.place.sizes().expect("they are read");
    let ended: u64 = ["a", "b", "c"].iter().map(|session| sizes[*session]).sum();
    let recorded = RecordedTrails { bytes: 500, ..RecordedTrails::default() };
    let going = |most: u64| {
        let room = Retention { bytes_max: Some(most), ..Retention::default() };
        going(&bench, room, &recorded)
    };
    assert!(going(500 + sizes.values().sum::<u64>()).is_empty(), "there is room for all");
    assert!(going(500 + ended).is_empty(), "what lives takes no room from others");
    assert_eq!(going(500 + ended - 1), ["a"]);
    assert_eq!(going(500 + ended - sizes["a"] - 1), ["a", "b"]);
    assert_eq!(going(0), ["a", "b", "c"], "what lives stays");
    drop(living);
}

#[test]
fn a_deletion_that_was_cut_off_is_no_fault_and_is_done_the_next_time() {
    let mut bench = Bench::session_in(trails(&["a"]), "own");
    let retention = Retention { age_max: Duration::ZERO, ..Retention::default() };
    let recorded = RecordedTrails::default();
    let head = fs::read(bench.place.head("a")).expect("a head");
    bench.writer.keeping = Keeping::new(retention, None);
    bench.writer.tidy();
    // The process was killed before it removed the last file.
    fs::write(bench.place.head("a"), head).expect("a file");
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].notes, [AuditNote::Removed]);
    assert_eq!(going(&bench, retention, &recorded), ["a"]);
}
