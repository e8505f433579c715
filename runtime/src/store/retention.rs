//! Deleting runs that need not be kept.

use codex_task_config::Retention;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::forget::{Belonging, forget};
use super::lease::{self, Process, now_ms};
use super::question::AWAITS_JUDGE;

/// Runs that are deleted in one go: the rest waits for the next.
const PRUNED_MAX: u32 = 200;

/// Deletes what need not be kept; what a process still works on stays whatever its age. Each run goes by itself, so that
/// nobody waits for long. Returns how many went.
pub(super) fn prune(
    connection: &mut Connection,
    retention: Retention,
    this: &Process,
) -> rusqlite::Result<u32> {
    let mut gone = 0;
    for run in old_or_many(connection, retention)? {
        delete(connection, &run)?;
        gone += 1;
    }
    let bytes_max = retention.bytes_max.unwrap_or(u64::MAX);
    while gone < PRUNED_MAX && bytes(connection)? > bytes_max {
        let Some(run) = oldest_ended(connection)? else { break };
        delete(connection, &run)?;
        gone += 1;
    }
    lease::forget_dead(connection, this)?;
    Ok(gone)
}

/// What the records take in the file: what was deleted leaves room for others.
pub(super) fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let query = "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let bytes: i64 = connection.query_row(query, [], |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

fn delete(connection: &mut Connection, run: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget(&transaction, Belonging::ToRun(run))?;
    transaction.execute("DELETE FROM runs WHERE id = ?1", [run])?;
    transaction.commit()
}

fn old_or_many(connection: &Connection, retention: Retention) -> rusqlite::Result<Vec<String>> {
    let age_ms = i64::try_from(retention.age_max.as_millis()).unwrap_or(i64::MAX);
    let oldest = now_ms().saturating_sub(age_ms);
    let mut query = connection.prepare(&format!(
        "SELECT id FROM runs WHERE
            (begun_ms < ?1 AND NOT EXISTS (
                SELECT 1 FROM tasks JOIN owners ON owners.id = tasks.owner
                WHERE tasks.run = runs.id AND tasks.status IS NULL))
            OR (id NOT IN (SELECT id FROM runs ORDER BY begun_ms DESC LIMIT ?2)
                AND NOT EXISTS (SELECT 1 FROM tasks WHERE run = runs.id AND status IS NULL)
                AND NOT {AWAITS_JUDGE})
         ORDER BY begun_ms LIMIT ?3"
    ))?;
    query.query_map(params![oldest, retention.runs_max, PRUNED_MAX], |row| row.get(0))?.collect()
}

/// The next one to go for want of room; the newest of all never does.
fn oldest_ended(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let query = format!(
        "SELECT id FROM runs WHERE
            NOT EXISTS (SELECT 1 FROM tasks WHERE run = runs.id AND status IS NULL)
            AND NOT {AWAITS_JUDGE}
            AND id <> (SELECT id FROM runs ORDER BY begun_ms DESC, id DESC LIMIT 1)
         ORDER BY begun_ms, id LIMIT 1"
    );
    connection.query_row(&query, [], |row| row.get(0)).optional()
}
