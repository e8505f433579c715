//! Deleting runs that need not be kept.

use std::path::Path;

use codex_task_config::Retention;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::forget::{Belonging, forget};
use super::lease::{self, Process, now_ms};
use super::question::AWAITS_JUDGE;
use super::trails::TrailSizes;
use crate::audit::AuditPlace;

/// Runs that are deleted in one go: the rest waits for the next.
const PRUNED_MAX: u32 = 200;

/// How long runs are kept, and where the audit trails are that go with them.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    retention: Retention,
    trails: Option<AuditPlace>,
}

impl Keeping {
    /// Of the records in this file, with the trails beside it.
    pub(super) fn new(retention: Retention, records: &Path) -> Self {
        Self { retention, trails: records.parent().map(AuditPlace::below) }
    }

    /// Deletes what need not be kept; what a process still works on stays whatever its age. Each run goes by itself, so
    /// that nobody waits for long. Returns how many went. Their trails are deleted by whoever writes one next: it says so
    /// there first.
    pub(super) fn prune(&self, connection: &mut Connection, this: &Process) -> rusqlite::Result<u32> {
        let mut gone = 0;
        for run in old(connection, self.retention, this)? {
            delete(connection, &run)?;
            gone += 1;
        }
        for run in too_many(connection, self.retention, PRUNED_MAX.saturating_sub(gone))? {
            delete(connection, &run)?;
            gone += 1;
        }
        if let Some(bytes_max) = self.retention.bytes_max {
            gone += self.make_room(connection, bytes_max, PRUNED_MAX.saturating_sub(gone))?;
        }
        lease::forget_dead(connection, this)?;
        Ok(gone)
    }

    /// Deletes the oldest runs until what is left of them and of their trails takes no more than this.
    fn make_room(&self, connection: &mut Connection, bytes_max: u64, most: u32) -> rusqlite::Result<u32> {
        let place = self.trails.as_ref();
        let mut trails = place.map(TrailSizes::of).unwrap_or_default();
        let is_too_much = |connection: &Connection, trails: &TrailSizes| -> rusqlite::Result<bool> {
            Ok(bytes(connection)? + trails.staying(connection)? > bytes_max)
        };
        let mut gone = 0;
        if let (true, Some(place)) = (is_too_much(connection, &trails)?, place) {
            trails.leave_out_living(place);
        }
        while gone < most && is_too_much(connection, &trails)? {
            let Some(run) = oldest_ended(connection)? else { break };
            delete(connection, &run)?;
            gone += 1;
        }
        Ok(gone)
    }
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

/// Runs that are older than anything is kept, and of which no living process has a task.
fn old(connection: &Connection, retention: Retention, this: &Process) -> rusqlite::Result<Vec<String>> {
    let age_ms = i64::try_from(retention.age_max.as_millis()).unwrap_or(i64::MAX);
    let oldest = now_ms().saturating_sub(age_ms);
    let mut query =
        connection.prepare("SELECT id FROM runs WHERE begun_ms < ?1 ORDER BY begun_ms LIMIT ?2")?;
    let old = query
        .query_map(params![oldest, PRUNED_MAX], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let owners = "SELECT DISTINCT owner FROM tasks WHERE run = ?1 AND status IS NULL AND owner IS NOT NULL";
    let mut dead = Vec::with_capacity(old.len());
    for run in old {
        if !lease::is_any_alive(connection, owners, &run, this)? {
            dead.push(run);
        }
    }
    Ok(dead)
}

/// The oldest of those that have ended and are more than are kept.
fn too_many(connection: &Connection, retention: Retention, most: u32) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(&format!(
        "SELECT id FROM runs WHERE
            id NOT IN (SELECT id FROM runs ORDER BY begun_ms DESC LIMIT ?1)
            AND NOT EXISTS (SELECT 1 FROM tasks WHERE run = runs.id AND status IS NULL)
            AND NOT {AWAITS_JUDGE}
         ORDER BY begun_ms LIMIT ?2"
    ))?;
    query.query_map(params![retention.runs_max, most], |row| row.get(0))?.collect()
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
