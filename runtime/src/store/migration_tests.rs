//! Records as every version that was released has written them. A new version adds its own file to `old`.

use std::path::PathBuf;
use std::time::Duration;

use codex_task_actors::{RunId, TaskStatus};
use codex_task_config::{Environment, Retention};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{RecordState, Recorder, Records, StoreError, schema};

const OLD: [&str; 6] = [
    include_str!("old/version_1.sql"),
    include_str!("old/version_2.sql"),
    include_str!("old/version_3.sql"),
    include_str!("old/version_4.sql"),
    include_str!("old/version_5.sql"),
    include_str!("old/version_6.sql"),
];

/// A run that its process has left, and one that has ended.
const RUNS: [&str; 2] = ["0199a000-0000-7000-8000-00000000000a", "0199a000-0000-7000-8000-00000000000b"];

fn run(index: usize) -> RunId {
    RUNS[index].parse().expect("an id")
}

/// The file that a version has left.
fn left(folder: &TempDir, sql: &str) -> PathBuf {
    let path = folder.path().join("runs.db");
    let old = Connection::open(&path).expect("it opens");
    old.execute_batch(sql).expect("SQL");
    path
}

/// Tables and indices as they are, in words that do not depend on how they came about.
fn shape(connection: &Connection) -> Vec<String> {
    let mut query = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .expect("SQL");
    let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("SQL");
    rows.map(|sql| sql.expect("text").split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_released_version_has_left_a_record_that_is_tested() {
    assert_eq!(OLD.len(), schema::MIGRATIONS.len(), "add what the new version writes to `old`");
}

#[tokio::test]
async fn a_record_of_any_version_is_brought_up_to_date_and_goes_on() {
    let fresh = TempDir::new().expect("a folder");
    Records::open(fresh.path().join("runs.db")).expect("it is made");
    let fresh = shape(&Connection::open(fresh.path().join("runs.db")).expect("it opens"));
    for (index, sql) in OLD.iter().enumerate() {
        let version = index + 1;
        let folder = TempDir::new().expect("a folder");
        let path = left(&folder, sql);
        let records = Records::open(&path).expect("it is brought up to date");
        assert_eq!(shape(&Connection::open(&path).expect("it opens")), fresh, "version {version}");

        let [unfinished, ended] =
            [0, 1].map(|index| records.run(run(index)).expect("it is read").expect("it is there"));
        assert_eq!((unfinished.state, unfinished.cwd.as_str()), (RecordState::Unfinished, "/w"));
        assert_eq!(unfinished.context, r#"{"model":null}"#);
        assert_eq!(unfinished.tasks[0].description.as_deref(), Some("a change"));
        assert_eq!(ended.state, RecordState::Ended(TaskStatus::Completed));
        assert_eq!(ended.tasks[0].report, Some(serde_json::json!({"result": "done"})));
        let tokens = [&unfinished, &ended].map(|run| run.usage().total_tokens());
        assert_eq!(tokens, if version == 1 { [0, 0] } else { [120, 240] }, "version {version}");

        let environment = Environment::new(folder.path(), std::iter::empty::<(String, String)>());
        let retention = Retention { age_max: Duration::MAX, ..Retention::default() };
        let recorder = Recorder::start_with(records, &environment, "", retention).expect("it records");
        let claim = recorder.claim(run(0)).expect("it is read");
        assert_eq!((claim.images.len(), claim.ended, claim.running), (1, 0, 0));
        assert_eq!(claim.images[0].request().turns_max, Some(3));
        assert_eq!(recorder.claim(run(0)).expect("it is read").running, 1, "it is ours now");
        recorder.release(claim.images[0].request().id).expect("SQL");
        assert_eq!(recorder.claim(run(0)).expect("it is read").images.len(), 1, "it was given back");
    }
}

#[test]
fn answers_of_an_older_version_that_were_not_compared_are_unfinished() {
    let folder = TempDir::new().expect("a folder");
    let path = left(&folder, OLD[4]);
    let before = Connection::open(&path).expect("it opens");
    // Both runs become one whose tasks answer the same question, and have ended.
    let ballot = r#""ballot":{"voter":"a","judge":"0199a000-0000-7000-8000-0000000000c1"}"#;
    before
        .execute_batch(&format!(
            "UPDATE tasks SET run = '{}', owner = NULL, status = 'completed', report = '{{\"result\":\"yes\"}}';
             UPDATE admissions SET admission = replace(admission, '{{\"request\":{{', '{{\"request\":{{{ballot},');",
            RUNS[1]
        ))
        .expect("SQL");
    drop(before);
    let unfinished =
        Records::open(&path).expect("it is brought up to date").unfinished().expect("it is read");
    assert_eq!(unfinished.iter().map(|run| run.run).collect::<Vec<_>>(), [run(1)]);
    assert!(unfinished[0].awaits_judge);
}

#[test]
fn a_migration_that_is_cut_off_changes_nothing() {
    let folder = TempDir::new().expect("a folder");
    let path = left(&folder, OLD[0]);
    let before = Connection::open(&path).expect("it opens");
    // Something else has the name that the next version needs.
    before.execute_batch("CREATE TABLE usage (mine TEXT)").expect("SQL");
    let shape_before = shape(&before);
    drop(before);
    let error = Records::open(&path).expect_err("a table is in the way");
    assert!(matches!(error, StoreError::Database(_)), "{error}");
    let after = Connection::open(&path).expect("it opens");
    assert_eq!(shape(&after), shape_before);
    let version: u32 = after.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("SQL");
    assert_eq!(version, 1);
}

#[test]
fn a_record_of_a_newer_program_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("runs.db");
    Records::open(&path).expect("it is made");
    let newer = Connection::open(&path).expect("it opens");
    newer.pragma_update(None, "user_version", 99).expect("SQL");
    drop(newer);
    let error = Records::open(&path).expect_err("nobody knows what is in it");
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}
