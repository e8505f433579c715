//! What becomes of a trail whose disk, or whose neighbours, do not do their part.

use std::fs;

use super::segment::Segment;
use super::testing::Bench;
use super::walk::{AuditFault, AuditNote};

#[cfg(unix)]
#[test]
fn a_trail_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(bench.place.trails()), mode(bench.place.heads())), (0o700, 0o700));
    assert_eq!((mode(&bench.file(1)), mode(&bench.place.head("session"))), (0o600, 0o600));
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_does_not_take_is_refused_and_the_gap_is_on_record() {
    let mut bench = Bench::new();
    let full = fs::OpenOptions::new().append(true).open("/dev/full").expect("Linux has it");
    bench.writer.segment = Ok(Segment::over(full, "/dev/full".into()));
    let error = bench.tell(1).expect_err("there is no space");
    assert!(error.detail.contains("No space left on device"), "{error}");
    assert!(bench.shared.is_failing());
    assert_eq!(bench.shared.failure(), Some(error));
    // There is space again: the trail goes on in another file, since nobody knows what became of that one.
    bench.tell(2).expect("it is written");
    assert!(!bench.shared.is_failing());
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    let session = &report.sessions[0];
    assert_eq!((session.segments, session.lines), (2, 5), "session, segment, gap and two lines");
    assert_eq!(session.notes, [AuditNote::Gap { lost: 1, line: 3 }, AuditNote::Open]);
}

#[test]
fn a_folder_that_is_gone_is_a_failure_and_leaves_no_files_behind_when_it_is_back() {
    let mut bench = Bench::new();
    let aside = bench.folder.path().join("aside");
    fs::rename(bench.place.trails(), &aside).expect("it is there");
    fs::write(bench.place.trails(), "no folder").expect("a file");
    for _ in 0..3 {
        bench.tell(1).expect_err("there is no place");
    }
    fs::remove_file(bench.place.trails()).expect("it is there");
    fs::rename(&aside, bench.place.trails()).expect("it is there");
    bench.tell(1).expect("it is written");
    let report = bench.verify();
    assert_eq!((report.sessions[0].segments, report.sessions[0].lines), (2, 4));
    let reason = "deleted".to_owned();
    assert_eq!(bench.fault(), Some((Some(1), AuditFault::Interference { reason })));
}

#[test]
fn a_file_that_is_deleted_replaced_cut_off_or_written_to_is_noticed_and_verify_says_so() {
    type Act = fn(&Bench);
    let acts: [(&str, Act, AuditFault); 4] = [
        (
            "deleted",
            |bench| fs::remove_file(bench.file(1)).expect("it is there"),
            AuditFault::SegmentMissing { number: 1 },
        ),
        (
            "replaced",
            |bench| {
                let text = bench.text();
                fs::remove_file(bench.file(1)).expect("it is there");
                fs::write(bench.file(1), text).expect("a file");
            },
            AuditFault::Interference { reason: "replaced".to_owned() },
        ),
        (
            "changed",
            |bench| {
                let text = bench.text();
                let cut = text.trim_end().rfind('\n').expect("two lines") + 1;
                fs::write(bench.file(1), &text[..cut]).expect("a file");
            },
            AuditFault::OutOfOrder { expected: 3, found: 4 },
        ),
        (
            "changed",
            |bench| {
                let text = bench.text() + "{}\n";
                fs::write(bench.file(1), text).expect("a file");
            },
            AuditFault::Unreadable,
        ),
    ];
    for (reason, act, expected) in acts {
        let mut bench = Bench::new();
        bench.tell(2).expect("it is written");
        act(&bench);
        bench.tell(2).expect("it goes on in another file");
        let next = fs::read_to_string(bench.file(2)).expect("it is there");
        let first: serde_json::Value =
            serde_json::from_str(next.lines().next().expect("a line")).expect("JSON");
        assert_eq!((&first["event"], &first["reason"]), (&"segment".into(), &reason.into()));
        assert_eq!(bench.fault().map(|(_, fault)| fault), Some(expected), "{reason}");
    }
}

#[test]
fn a_full_file_is_followed_by_another_that_is_tied_to_it() {
    let mut bench = Bench::new();
    bench.tell(1).expect("it is written");
    bench.writer.segment.as_mut().expect("a file").pretend_full();
    bench.tell(2).expect("it is written");
    bench.end();
    let report = bench.verify();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!((report.sessions[0].segments, report.lines()), (2, 6));
    // A part of one file does not pass for the whole of it.
    let first = bench.text();
    fs::write(bench.file(1), first.lines().next().expect("a line").to_owned() + "\n").expect("a file");
    assert_eq!(bench.fault(), Some((Some(1), AuditFault::OutOfOrder { expected: 2, found: 3 })));
    fs::write(bench.file(1), first).expect("a file");
    fs::remove_file(bench.file(2)).expect("it is there");
    assert_eq!(bench.fault(), Some((None, AuditFault::CutOff { found: 2, kept: 6 })));
}
