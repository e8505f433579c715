//! How long runs are kept.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::lease::{self, Process, now_ms};

/// Runs that are deleted at one start: the rest waits for the next.
const PRUNED_MAX: u32 = 200;

/// How long runs are kept. A run is deleted when it is older, or when there are more; never one that has a task which
/// has not ended, unless it is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Oldest run.
    pub age_max: Duration,
    /// Most runs.
    pub runs_max: u32,
}

impl Default for Retention {
    /// Thirty days, and a thousand runs.
    fn default() -> Self {
        Self { age_max: Duration::from_hours(30 * 24), runs_max: 1_000 }
    }
}

/// Deletes what need not be kept; what a process still works on stays whatever its age. Each run goes by itself, so that
/// nobody waits for long. Returns how many went.
pub(super) fn prune(
    connection: &mut Connection,
    retention: Retention,
    this: &Process,
) -> rusqlite::Result<usize> {
    let doomed = doomed(connection, retention)?;
    for run in &doomed {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for statement in [
            "DELETE FROM steps WHERE task IN (SELECT id FROM tasks WHERE run = ?1)",
            "DELETE FROM usage WHERE task IN (SELECT id FROM tasks WHERE run = ?1)",
            "DELETE FROM tasks WHERE run = ?1",
            "DELETE FROM runs WHERE id = ?1",
        ] {
            transaction.execute(statement, [run])?;
        }
        transaction.commit()?;
    }
    lease::forget_dead(connection, this)?;
    Ok(doomed.len())
}

fn doomed(connection: &Connection, retention: Retention) -> rusqlite::Result<Vec<String>> {
    let age_ms = i64::try_from(retention.age_max.as_millis()).unwrap_or(i64::MAX);
    let oldest = now_ms().saturating_sub(age_ms);
    let mut query = connection.prepare(
        "SELECT id FROM runs WHERE
            (begun_ms < ?1 AND NOT EXISTS (
                SELECT 1 FROM tasks JOIN owners ON owners.id = tasks.owner
                WHERE tasks.run = runs.id AND tasks.status IS NULL))
            OR (id NOT IN (SELECT id FROM runs ORDER BY begun_ms DESC LIMIT ?2)
                AND NOT EXISTS (SELECT 1 FROM tasks WHERE run = runs.id AND status IS NULL))
         ORDER BY begun_ms LIMIT ?3",
    )?;
    query.query_map(params![oldest, retention.runs_max, PRUNED_MAX], |row| row.get(0))?.collect()
}
