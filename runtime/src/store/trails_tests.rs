//! Trails that go with their runs, and take room like them.

use std::fs;
use std::path::PathBuf;

use codex_task_actors::{Journal as _, RunId, TaskId};
use codex_task_config::Retention;
use tempfile::TempDir;

use super::store_tests::{admitted, ended, folder, start, start_with};
use super::{RecordedTrails, Recorder, Records};

/// A trail of so many bytes.
fn trail(folder: &TempDir, session: &str, bytes: usize) {
    let trails = folder.path().join("state/audit");
    fs::create_dir_all(&trails).expect("a folder");
    fs::write(trails.join(format!("{session}.0001.jsonl")), vec![b' '; bytes]).expect("a file");
}

/// A run that has ended.
async fn ran(recorder: &Recorder) -> RunId {
    let (task, run) = (TaskId::new(), RunId::new());
    for entry in [admitted(task, run), ended(task, run)] {
        recorder.record(entry);
    }
    recorder.flush().await;
    run
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("state/runs.db")
}

fn recorded(folder: &TempDir) -> RecordedTrails {
    let recorded = Records::trails_of(&file(folder)).expect("it is read");
    RecordedTrails { bytes: 0, ..recorded }
}

fn names(sessions: &[&str]) -> std::collections::BTreeSet<String> {
    sessions.iter().map(|session| (*session).to_owned()).collect()
}

#[tokio::test]
async fn a_trail_is_released_when_the_last_of_its_runs_is_deleted() {
    let folder = folder();
    let recorder = start(&folder);
    ran(&recorder).await;
    recorder.audited_by("a");
    ran(&recorder).await;
    let second = ran(&recorder).await;
    recorder.audited_by("b");
    // One of the first session's is gone on with.
    assert!(recorder.claim(second).expect("it is on record").images.is_empty());
    let third = ran(&recorder).await;
    recorder.close();
    assert_eq!(recorded(&folder), RecordedTrails { kept: names(&["a", "b"]), ..RecordedTrails::default() });
    start_with(&folder, Retention { runs_max: 2, ..Retention::default() }).close();
    assert_eq!(recorded(&folder).kept, names(&["a", "b"]), "one of its runs is there");
    start_with(&folder, Retention { runs_max: 1, ..Retention::default() }).close();
    let both = recorded(&folder);
    assert_eq!((both.kept, both.released), (names(&["b"]), names(&["a"])));
    Records::forget_trails(&file(&folder), &names(&["a"])).expect("SQL");
    assert!(recorded(&folder).released.is_empty());
    assert_eq!(Records::open(file(&folder)).expect("it opens").list(9).expect("it is read")[0].run, third);
}

#[tokio::test]
async fn a_session_that_goes_on_with_a_run_is_about_it_too() {
    let folder = folder();
    let recorder = start(&folder);
    recorder.audited_by("a");
    let run = RunId::new();
    recorder.record(admitted(TaskId::new(), run));
    recorder.flush().await;
    recorder.close();
    let next = start(&folder);
    next.audited_by("b");
    assert_eq!(next.claim(run).expect("it is on record").images.len(), 1);
    assert_eq!(recorded(&folder).kept, names(&["a", "b"]));
}

#[tokio::test]
async fn trails_take_room_like_runs_and_give_it_back_with_them() {
    let folder = folder();
    let recorder = start(&folder);
    let mut runs = Vec::new();
    for session in ["a", "b", "c"] {
        recorder.audited_by(session);
        trail(&folder, session, 1_000_000);
        runs.push(ran(&recorder).await);
    }
    let held = recorder.records().holdings().expect("it is read");
    assert_eq!(held.trail_bytes, 3_000_000);
    recorder.close();
    let left = |most: u64| {
        let recorder =
            start_with(&folder, Retention { bytes_max: Some(held.bytes + most), ..Retention::default() });
        recorder.close();
        let mut left: Vec<RunId> =
            recorder.records().list(9).expect("it is read").iter().map(|run| run.run).collect();
        left.reverse();
        left
    };
    assert_eq!(left(3_000_000), runs);
    assert_eq!(left(2_500_000), runs[1..], "its trail is about to go with it");
    assert_eq!(recorded(&folder).released, names(&["a"]));
    assert_eq!(left(1_999_999), runs[2..]);
    assert_eq!(left(0), runs[2..], "the newest stays");
}
