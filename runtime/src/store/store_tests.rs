use std::sync::Arc;

use codex_task_actors::{
    Journal, JournalEntry, Outcome, RunId, RunTask, TaskError, TaskId, TaskReport, TaskStatus,
};
use codex_task_config::Environment;
use futures_util::FutureExt;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::recorder::BACKLOG_MAX;
use super::{Claim, RecordState, Recorder, Records, Retention, StoreError};

/// An admission.
const ADMISSION: &str = r#"{"request":{"id":"ID","run":"RUN","subagent_type":"worker","prompt":"p","description":null,
    "model":"sonnet","effort":null,"timeout":null,"turns_max":3,"cost_max":0.5,"priority":"normal","output":null},
    "routes":["scripted/sonnet"],"prefix":"abc","opening":{"user":{"parts":[{"type":"text","text":"p"}]}}}"#;

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(super) fn start(folder: &TempDir) -> Recorder {
    start_with(folder, Retention::default())
}

pub(super) fn start_with(folder: &TempDir, retention: Retention) -> Recorder {
    let records = Records::open(folder.path().join("state/runs.db")).expect("it opens");
    let environment = Environment::new(folder.path(), std::iter::empty::<(String, String)>());
    Recorder::start_with(records, &environment, "", retention).expect("it records")
}

fn admission(task: TaskId, run: RunId) -> String {
    ADMISSION.replace("ID", &task.to_string()).replace("RUN", &run.to_string())
}

pub(super) fn admitted(task: TaskId, run: RunId) -> JournalEntry {
    let admission = serde_json::from_str(&admission(task, run)).expect("an admission");
    JournalEntry::Admitted(vec![admission])
}

pub(super) fn ended(task: TaskId, run: RunId) -> JournalEntry {
    let outcome = Outcome::Completed("done".to_owned());
    let report = TaskReport::new(task, run, "worker".into(), outcome);
    JournalEntry::Ended { report: Arc::new(report) }
}

/// Says whether the entry is on disk.
async fn record(recorder: &Recorder, entry: JournalEntry) -> bool {
    let (ack, written) = oneshot::channel();
    recorder.record_durably(entry, ack);
    written.await.expect("the writer lives").is_ok()
}

/// Takes over what nobody works on.
fn claimed(recorder: &Recorder, run: RunId) -> Claim {
    recorder.claim(run).expect("it is read")
}

/// Lets changes of tasks of this kind fail from now on, as where no page may be added. Gives what ends that.
fn filled(recorder: &Recorder, kind: &str) -> Connection {
    let other = Connection::open(recorder.records().path()).expect("it opens");
    let full =
        format!("CREATE TRIGGER full BEFORE {kind} ON tasks BEGIN SELECT RAISE(FAIL, 'disk full'); END");
    other.execute_batch(&full).expect("SQL");
    other
}

/// Ends a task where there is no room for its ending. Gives what makes room.
async fn owing(recorder: &Recorder, task: TaskId, run: RunId) -> Connection {
    assert!(record(recorder, admitted(task, run)).await);
    let other = filled(recorder, "UPDATE");
    recorder.record(ended(task, run));
    other
}

/// How a run is on record.
fn state(recorder: &Recorder, run: RunId) -> RecordState {
    recorder.records().run(run).expect("it is read").expect("it is there").state
}

#[test]
fn a_damaged_record_is_a_clear_failure() {
    let folder = folder();
    let path = folder.path().join("runs.db");
    std::fs::write(&path, "no database at all, but long enough to be looked at".repeat(100)).expect("a file");
    let error = Records::open(&path).expect_err("it is no database");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn the_record_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let recorder = start(&folder);
    let mode = |path: &str| {
        let metadata = std::fs::metadata(folder.path().join(path)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("state"), mode("state/runs.db"), mode("state/runs.db-wal")), (0o700, 0o600, 0o600));
    recorder.close();
}

#[tokio::test]
async fn a_torn_end_of_the_log_loses_the_last_transactions_only() {
    let folder = folder();
    let recorder = start(&folder);
    let runs: Vec<RunId> = (0..5).map(|_| RunId::new()).collect();
    for run in &runs {
        assert!(record(&recorder, admitted(TaskId::new(), *run)).await);
    }
    // The state of the disk as a crash would leave it, with the log cut at any byte.
    let copy = |name: &str| std::fs::read(folder.path().join("state").join(name)).expect("a file");
    let (main, log) = (copy("runs.db"), copy("runs.db-wal"));
    for cut in (0..=log.len()).step_by(log.len() / 23 + 1) {
        let torn = tempfile::tempdir().expect("a folder");
        let path = torn.path().join("runs.db");
        std::fs::write(&path, &main).expect("a file");
        std::fs::write(torn.path().join("runs.db-wal"), &log[..cut]).expect("a file");
        let found = Records::open(&path).expect("it is whole").list(10).expect("it is read");
        let mut known: Vec<RunId> = found.iter().map(|run| run.run).collect();
        known.sort_unstable();
        assert!(runs.starts_with(&known), "a beginning of what happened: {known:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_until_the_task_ends_and_others_go_on() {
    let folder = folder();
    let recorder = start(&folder);
    let (run, lost, kept) = (RunId::new(), TaskId::new(), TaskId::new());
    assert!(record(&recorder, admitted(kept, run)).await);
    let other = filled(&recorder, "INSERT");
    assert!(!record(&recorder, admitted(lost, run)).await);
    let error = recorder.room(lost).await.expect_err("its beginning is not on disk");
    assert!(error.detail.contains("disk full"), "{error}");
    assert_eq!(recorder.room(kept).await, Ok(()));
    assert_eq!(recorder.failure(), Some(error));
    // There is space again: the next task is on record.
    other.execute_batch("DROP TRIGGER full").expect("SQL");
    assert!(record(&recorder, admitted(TaskId::new(), run)).await);
    assert!(recorder.room(lost).await.is_err(), "there would be a gap");
}

#[tokio::test]
async fn an_ending_that_cannot_be_written_is_told_and_tried_again() {
    let folder = folder();
    let recorder = start(&folder);
    let (run, task) = (RunId::new(), TaskId::new());
    let other = owing(&recorder, task, run).await;
    let error = recorder.settled().await.expect_err("how it ended is not on record");
    assert!(error.detail.contains("disk full"), "{error}");
    assert_eq!(recorder.room(task).await, Ok(()), "nothing of the task is lost");
    other.execute_batch("DROP TRIGGER full").expect("SQL");
    assert_eq!(recorder.settled().await, Ok(()), "there is room again");
    assert_eq!(state(&recorder, run), RecordState::Ended(TaskStatus::Completed));
}

#[tokio::test]
async fn a_conversation_whose_ending_is_owed_is_not_gone_on_with_and_an_id_that_is_used_anew_owes_nothing() {
    let folder = folder();
    let recorder = start(&folder);
    let (run, task) = (RunId::new(), TaskId::new());
    let other = owing(&recorder, task, run).await;
    let mut request = RunTask::<String>::new("a", "and now?").request;
    request.id = task;
    let refused = recorder.recall(request).await.expect_err("how it ended is not on record");
    assert!(matches!(&refused, TaskError::Journal(error) if error.detail.contains("disk full")), "{refused}");
    assert!(record(&recorder, admitted(task, run)).await, "a task that begins is only inserted");
    other.execute_batch("DROP TRIGGER full").expect("SQL");
    assert_eq!(recorder.settled().await, Ok(()));
    assert_eq!(state(&recorder, run), RecordState::Running, "the new task has not ended");
}

#[tokio::test]
async fn a_task_that_another_process_has_taken_over_is_not_ended_by_the_first() {
    let folder = folder();
    let recorder = start(&folder);
    let (run, task) = (RunId::new(), TaskId::new());
    assert!(record(&recorder, admitted(task, run)).await);
    let other = Connection::open(recorder.records().path()).expect("it opens");
    other.execute("UPDATE tasks SET owner = owner + 1", []).expect("SQL");
    recorder.record(ended(task, run));
    assert_eq!(recorder.settled().await, Ok(()));
    let record = recorder.records().run(run).expect("it is read").expect("it is there");
    assert_eq!(record.tasks[0].report, None);
}

#[tokio::test]
async fn agents_wait_while_the_disk_is_slow_and_nothing_is_lost() {
    let folder = folder();
    let recorder = start(&folder);
    recorder.flush().await;
    let (run, task) = (RunId::new(), TaskId::new());
    assert_eq!(recorder.room(task).await, Ok(()));
    // Somebody else writes, and takes his time.
    let mut other = Connection::open(recorder.records().path()).expect("it opens");
    let slow = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("SQL");
    for _ in 0..=BACKLOG_MAX {
        recorder.record(admitted(TaskId::new(), run));
    }
    let mut room = recorder.room(task);
    assert!((&mut room).now_or_never().is_none(), "there is no room");
    slow.commit().expect("SQL");
    assert_eq!(room.await, Ok(()));
    recorder.flush().await;
    assert_eq!(recorder.failure(), None);
    let record = recorder.records().run(run).expect("it is read").expect("it is there");
    assert_eq!(record.tasks.len(), BACKLOG_MAX + 1);
}

#[tokio::test]
async fn a_closed_recorder_lets_no_task_pass_for_recorded() {
    let folder = folder();
    let recorder = start(&folder);
    recorder.close();
    let task = TaskId::new();
    let (ack, written) = oneshot::channel();
    recorder.record_durably(admitted(task, RunId::new()), ack);
    assert!(written.await.is_err());
    assert!(recorder.room(task).await.is_err());
}

#[tokio::test]
async fn two_recorders_write_to_one_file_and_each_keeps_its_tasks() {
    let folder = folder();
    let recorders = [Arc::new(start(&folder)), Arc::new(start(&folder))];
    let runs = [RunId::new(), RunId::new()];
    for _ in 0..20 {
        for (recorder, run) in recorders.iter().zip(runs) {
            recorder.record(admitted(TaskId::new(), run));
        }
    }
    for recorder in &recorders {
        recorder.flush().await;
    }
    let [first, second] = recorders;
    assert_eq!(claimed(&first, runs[1]).running, 20);
    second.close();
    let claim = claimed(&first, runs[1]);
    assert_eq!((claim.images.len(), claim.running), (20, 0), "what a closed recorder leaves is anybody's");
}

#[tokio::test]
async fn old_runs_go_and_unfinished_ones_stay_while_they_are_young() {
    let folder = folder();
    let recorder = start(&folder);
    let runs: Vec<RunId> = (0..4).map(|_| RunId::new()).collect();
    for run in &runs {
        assert!(record(&recorder, admitted(TaskId::new(), *run)).await);
    }
    recorder.close();
    let age = Connection::open(folder.path().join("state/runs.db")).expect("it opens");
    // The first is older than anything is kept, the second and third have ended.
    age.execute("UPDATE runs SET begun_ms = 1 WHERE id = ?1", [runs[0].to_string()]).expect("SQL");
    for run in &runs[1..3] {
        let end = "UPDATE tasks SET status = 'completed' WHERE run = ?1";
        age.execute(end, [run.to_string()]).expect("SQL");
    }
    let retention = Retention { runs_max: 1, ..Retention::default() };
    let next = start_with(&folder, retention);
    // At its end, if it was never quiet before.
    next.close();
    let left: Vec<RunId> = next.records().list(10).expect("it is read").iter().map(|run| run.run).collect();
    assert!(!left.contains(&runs[0]) && left.contains(&runs[3]), "{left:?}");
    assert!(left.len() <= 2, "{left:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_run_whose_process_was_killed_goes_for_its_age_and_one_of_a_living_process_never() {
    let folder = folder();
    let (killed, living) = (start(&folder), start(&folder));
    let runs = [RunId::new(), RunId::new()];
    assert!(record(&killed, admitted(TaskId::new(), runs[0])).await);
    assert!(record(&living, admitted(TaskId::new(), runs[1])).await);
    let age = Connection::open(folder.path().join("state/runs.db")).expect("it opens");
    age.execute("UPDATE runs SET begun_ms = 1", []).expect("SQL");
    // The process that has this number now is another one.
    age.execute("UPDATE owners SET started = started - 1 WHERE id = ?1", [killed.owner]).expect("SQL");
    let next = start(&folder);
    next.close();
    let left: Vec<RunId> = next.records().list(10).expect("it is read").iter().map(|run| run.run).collect();
    assert_eq!(left, runs[1..]);
}

#[tokio::test]
async fn the_oldest_runs_that_have_ended_go_for_want_of_room_and_the_newest_stays() {
    let folder = folder();
    let recorder = start(&folder);
    let runs: Vec<RunId> = (0..4).map(|_| RunId::new()).collect();
    for run in &runs {
        let task = TaskId::new();
        recorder.record(admitted(task, *run));
        if *run != runs[1] {
            recorder.record(ended(task, *run));
        }
    }
    assert_eq!(recorder.settled().await, Ok(()));
    let bytes = recorder.records().holdings().expect("it is read").bytes;
    recorder.close();
    let retention = Retention { bytes_max: Some(bytes), ..Retention::default() };
    let records = start_with(&folder, retention);
    records.close();
    assert_eq!(records.records().holdings().expect("it is read").runs, 4, "there is room for all");
    let none = start_with(&folder, Retention { bytes_max: Some(1), ..Retention::default() });
    none.close();
    let left: Vec<RunId> = none.records().list(10).expect("it is read").iter().map(|run| run.run).collect();
    assert_eq!(left, [runs[3], runs[1]], "the newest, and what can still be resumed");
}
