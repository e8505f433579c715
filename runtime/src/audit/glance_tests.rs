//! What a quick look at the trails finds.

use std::fs;

use super::place::AuditPlace;
use super::testing::Bench;
use super::walk::AuditFault;

/// Bytes of a head file, and of about two lines.
const LITTLE: u64 = 1_000;

#[test]
fn the_newest_trail_is_verified_whole_or_at_its_end() {
    let mut bench = Bench::new();
    bench.tell(20).expect("it is written");
    bench.end();
    let whole = bench.place.newest(u64::MAX).expect("it is read").expect("there is one");
    assert_eq!((whole.is_end_only, whole.session.lines, &whole.session.fault), (false, 22, &None));
    let end = bench.place.newest(LITTLE).expect("it is read").expect("there is one");
    assert!(end.is_end_only && end.session.fault.is_none(), "{end:?}");
    assert!((1..5).contains(&end.session.lines), "{end:?}");
    assert_eq!(end.session.head, whole.session.head);

    let text = bench.text();
    let fault = |text: &str| {
        fs::write(bench.file(1), text).expect("a file");
        let newest = bench.place.newest(LITTLE).expect("it is read").expect("there is one");
        newest.session.fault.map(|place| place.fault)
    };
    assert_eq!(fault(&text.replacen("worker", "walker", 1)), None, "nobody has looked there");
    let (rest, last) = text.trim_end().rsplit_once('\n').expect("two lines");
    assert_eq!(fault(&format!("{rest}\n")), Some(AuditFault::CutOff { found: 21, kept: 22 }));
    let (rest, before) = rest.rsplit_once('\n').expect("two lines");
    let changed = before.replace("worker", "walker");
    assert_eq!(fault(&format!("{rest}\n{changed}\n{last}\n")), Some(AuditFault::Changed));
    assert_eq!(fault(&format!("{rest}\n{last}\n")), Some(AuditFault::OutOfOrder { expected: 21, found: 22 }));
}

#[test]
fn the_end_of_a_trail_whose_last_file_has_no_line_is_in_the_file_before() {
    let mut bench = Bench::new();
    bench.tell(20).expect("it is written");
    fs::write(bench.file(2), "").expect("a file");
    let end = bench.place.newest(LITTLE).expect("it is read").expect("there is one");
    assert_eq!((end.is_end_only, end.session.fault), (true, None));
}

#[test]
fn what_there_is_is_counted_and_a_probe_leaves_nothing() {
    let mut bench = Bench::new();
    bench.tell(3).expect("it is written");
    let bytes =
        [bench.file(1), bench.place.head("session")].map(|path| fs::metadata(path).expect("a file").len());
    let held = bench.place.holdings().expect("it is read");
    assert_eq!((held.sessions, held.bytes), (1, bytes.iter().sum()));
    bench.place.probe().expect("it can be written");
    assert_eq!(bench.place.holdings().expect("it is read"), held);
    assert_eq!(fs::read_dir(bench.place.trails()).expect("a folder").count(), 1);

    let nowhere = AuditPlace::below(&bench.folder.path().join("state"));
    assert_eq!(nowhere.holdings().expect("nothing is there").sessions, 0);
    assert_eq!(nowhere.newest(LITTLE).expect("nothing is there"), None);
    nowhere.probe().expect("it can be made");
    assert!(!bench.folder.path().join("state").exists(), "and was not");
    fs::write(bench.folder.path().join("state"), "no folder").expect("a file");
    nowhere.probe().expect_err("a file is in the way");
}
