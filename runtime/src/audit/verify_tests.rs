//! Whatever is done to a trail is found.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::anchor::AuditHead;
use super::line::{Chain, Fields};
use super::place::AuditPlace;
use super::testing::Bench;
use super::trail::Clock;
use super::verify::{AuditReport, verify};
use super::walk::{AuditFault, AuditNote};

/// What somebody may do to a trail who does not know how it is sealed.
#[derive(Clone, Debug)]
enum Tampering {
    /// Another byte in place of one.
    Byte { at: usize, by: u8 },
    /// A line is gone.
    Removed(usize),
    /// Two lines have changed places.
    Swapped(usize, usize),
    /// The last lines are gone.
    CutOff(usize),
    /// A line stands twice.
    Repeated(usize),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        4 => (any::<usize>(), 1_u8..=255).prop_map(|(at, by)| Tampering::Byte { at, by }),
        1 => any::<usize>().prop_map(Tampering::Removed),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(one, other)| Tampering::Swapped(one, other)),
        1 => any::<usize>().prop_map(Tampering::CutOff),
        1 => any::<usize>().prop_map(Tampering::Repeated),
    ]
}

/// The bytes afterwards; numbers count around.
fn tampered(bytes: &[u8], tampering: &Tampering) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let count = lines.len();
    match tampering {
        Tampering::Byte { at, by } => {
            let mut bytes = bytes.to_vec();
            let at = at % bytes.len();
            bytes[at] ^= by;
            return bytes;
        }
        Tampering::Removed(line) => {
            lines.remove(line % count);
        }
        Tampering::Swapped(one, other) => lines.swap(one % count, other % count),
        Tampering::CutOff(most) => lines.truncate(most % count),
        Tampering::Repeated(line) => lines.insert(line % count, lines[line % count]),
    }
    lines.concat()
}

fn whole() -> Bench {
    let mut bench = Bench::new();
    bench.tell(6).expect("it is written");
    bench.end();
    bench
}

#[test]
fn a_trail_that_nobody_has_touched_is_whole() {
    let bench = whole();
    let report = bench.verify();
    let session = &report.sessions[0];
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.lines(), session.segments, &session.notes), (8, 1, &vec![]));
    let empty = bench.place.head("empty");
    std::fs::write(&empty, "\n").expect("a file");
    assert!(AuditHead::read_all(&empty).is_err(), "an empty copy vouches for nothing");
    std::fs::remove_file(&empty).expect("it was there");
    let kept = AuditHead::read_all(&bench.place.head("session")).expect("a head");
    assert_eq!(session.head.as_slice(), kept);
}

/// A whole trail and its head, made once: each case changes a copy.
static WHOLE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let bench = whole();
    let read = |path| fs::read(path).expect("a file");
    (read(bench.file(1)), read(bench.place.head("session")))
});

/// What is said of a trail of these bytes, with the head of the whole one.
fn verdict(trail: &[u8]) -> AuditReport {
    let folder = tempfile::tempdir().expect("a folder");
    let place = AuditPlace::below(folder.path());
    place.make().expect("folders");
    fs::write(place.segment("session", 1), trail).expect("a file");
    fs::write(place.head("session"), &WHOLE.1).expect("a file");
    verify(&place, &[]).expect("it can be read")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_any_line_is_found(tampering in tampering()) {
        let before = &WHOLE.0;
        let after = tampered(before, &tampering);
        let report = verdict(&after);
        prop_assert_eq!(report.is_whole(), *before == after, "{:?}: {:?}", tampering, report);
    }

    #[test]
    fn an_end_that_is_cut_off_and_written_anew_is_found_by_the_head(kept in 0_usize..7, added in 0_usize..12) {
        let text = str::from_utf8(&WHOLE.0).expect("UTF-8");
        let lines: Vec<&str> = text.split_inclusive('\n').take(kept).collect();
        // Somebody who knows how lines are sealed writes another end.
        let last = lines.last().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let mut chain = Chain::new("session".into());
        if let Some(last) = last {
            chain.seq = last["seq"].as_u64().expect("a number");
            chain.hash = last["hash"].as_str().expect("a text").to_owned();
        }
        let mut forged = lines.concat();
        for _ in 0..added {
            forged += &chain.seal(Clock::start().now(), "cancel", Fields::new()).expect("JSON");
        }
        let fault = verdict(forged.as_bytes()).sessions.remove(0).fault.expect("it is found").fault;
        let is_meant = matches!(fault, AuditFault::WrittenAnew | AuditFault::CutOff { .. });
        prop_assert!(is_meant, "{:?}", fault);
    }
}

#[test]
fn the_line_and_the_reason_are_said() {
    let bench = whole();
    let text = bench.text();
    let lines: Vec<&str> = text.lines().collect();
    let written = |lines: &[&str]| fs::write(bench.file(1), lines.join("\n") + "\n").expect("a file");
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    changed[2] = changed[2].replace("worker", "walker");
    written(&changed.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(bench.fault(), Some((Some(3), AuditFault::Changed)));
    changed[2] = "hello".to_owned();
    written(&changed.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(bench.fault(), Some((Some(3), AuditFault::Unreadable)));
    written(&[&lines[..2], &lines[3..]].concat());
    assert_eq!(bench.fault(), Some((Some(3), AuditFault::OutOfOrder { expected: 3, found: 4 })));
    written(&lines[..5]);
    assert_eq!(bench.fault(), Some((None, AuditFault::CutOff { found: 5, kept: 8 })));
    fs::remove_file(bench.file(1)).expect("it is there");
    assert_eq!(bench.fault(), Some((None, AuditFault::TrailMissing { kept: 8 })));
}

#[test]
fn a_line_that_was_torn_by_a_crash_is_told_and_breaks_nothing() {
    let mut bench = Bench::new();
    bench.tell(3).expect("it is written");
    let text = bench.text();
    // The process was killed while it wrote the next line.
    let torn = format!("{text}{}", &text[..40]);
    fs::write(bench.file(1), torn).expect("a file");
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].notes, [AuditNote::Torn { bytes: 40 }, AuditNote::Open]);
    // The last line that was kept is no such line.
    fs::write(bench.file(1), text.trim_end()).expect("a file");
    assert_eq!(bench.fault(), Some((None, AuditFault::CutOff { found: 3, kept: 4 })));
}

#[test]
fn whoever_can_write_everywhere_is_found_by_a_copy_that_was_kept_elsewhere() {
    let bench = whole();
    let copy = AuditHead::read_all(&bench.place.head("session")).expect("a head");
    // The whole trail is written anew, with a head that fits.
    let mut chain = Chain::new("session".into());
    let mut forged = String::new();
    for event in ["session", "cancel", "session_end"] {
        forged += &chain.seal(bench.writer.clock.now(), event, Fields::new()).expect("JSON");
    }
    fs::write(bench.file(1), forged).expect("a file");
    let head = serde_json::to_string(&AuditHead::of(&chain)).expect("JSON");
    fs::write(bench.place.head("session"), head).expect("a file");
    assert!(bench.verify().is_whole(), "nothing here tells of it");
    let found = bench.verify_with(&copy).sessions.remove(0).fault.expect("the copy does");
    assert_eq!(found.fault, AuditFault::CutOff { found: 3, kept: 8 });
    // The session has never been.
    fs::remove_file(bench.file(1)).expect("it is there");
    fs::remove_file(bench.place.head("session")).expect("it is there");
    assert!(bench.verify().is_whole());
    let found = bench.verify_with(&copy).sessions.remove(0).fault.expect("the copy does");
    assert_eq!(found.fault, AuditFault::TrailMissing { kept: 8 });
}

#[test]
fn without_the_second_copy_of_its_end_nobody_vouches_for_a_trail() {
    let bench = whole();
    fs::remove_file(bench.place.head("session")).expect("it is there");
    assert_eq!(bench.fault(), Some((None, AuditFault::HeadMissing)));
    fs::write(bench.place.head("session"), "{}").expect("a file");
    assert_eq!(bench.fault(), Some((None, AuditFault::HeadUnreadable)));
}

#[test]
fn lines_behind_the_kept_head_are_told() {
    let mut bench = Bench::new();
    bench.tell(2).expect("it is written");
    let head = fs::read(bench.place.head("session")).expect("a file");
    bench.tell(2).expect("it is written");
    // The process was killed between the line and its head.
    fs::write(bench.place.head("session"), head).expect("a file");
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.sessions[0].notes, [AuditNote::Open, AuditNote::BehindHead { lines: 2 }]);
}
