//! From entries to rows.

use std::sync::Arc;

use codex_task_actors::{Admission, JournalEntry, JournalStep, Outcome, TaskError, TaskId, TaskReport};
use codex_task_config::TokenUsage;
use rusqlite::{Connection, OptionalExtension, params};

use super::forget::{Belonging, forget};
use super::lease::now_ms;
use super::trails::Trail;
use crate::json::TaskJson;

/// What stands beside each run.
#[derive(Debug)]
pub(super) struct Origin {
    /// This process's number.
    pub(super) owner: i64,
    /// Working directory.
    pub(super) cwd: String,
    /// The host's own words.
    pub(super) context: String,
    /// The audit trail that is about what is recorded.
    pub(super) trail: Arc<Trail>,
}

/// Writes one entry.
pub(super) fn apply(connection: &Connection, entry: &JournalEntry, origin: &Origin) -> rusqlite::Result<()> {
    match entry {
        JournalEntry::Admitted(admissions) => {
            admissions.iter().try_for_each(|admission| admit(connection, admission, origin))
        }
        JournalEntry::Stepped { task, step } => add_step(connection, *task, step),
        JournalEntry::Ended { report } => end(connection, report, origin.owner),
    }
}

fn admit(connection: &Connection, admission: &Admission, origin: &Origin) -> rusqlite::Result<()> {
    let request = &admission.request;
    let (run, now) = (request.run.to_string(), now_ms());
    let is_new = connection
        .prepare_cached("INSERT OR IGNORE INTO runs (id, begun_ms, cwd, context) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run, now, origin.cwd, origin.context])?;
    if is_new > 0 {
        origin.trail.covers(connection, &run)?;
    }
    let task = request.id.to_string();
    let judge = request.ballot.as_ref().map(|ballot| ballot.judge.to_string());
    let row = params![task, run, origin.owner, request.subagent_type, request.description, now, judge];
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO tasks (id, run, owner, agent, description, begun_ms, judge)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    if insert.execute(row)? == 0 {
        // The caller has used the id before, for a task that has ended.
        forget(connection, Belonging::ToTask(&task))?;
        insert.execute(row)?;
    }
    let number = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO admissions (task, admission) VALUES (?1, ?2)")?
        .execute(params![number, json(serde_json::to_string(admission))?])?;
    Ok(())
}

/// Writes one step.
pub(super) fn add_step(connection: &Connection, task: TaskId, step: &JournalStep) -> rusqlite::Result<()> {
    let task = task.to_string();
    connection
        .prepare_cached("INSERT INTO steps (task, kind, at_ms, step) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![task, step.kind(), now_ms(), json(step.to_json())?])?;
    if let Some(totals) = step.totals_json() {
        connection
            .prepare_cached("UPDATE tasks SET totals = ?2 WHERE id = ?1")?
            .execute(params![task, json(totals)?])?;
    }
    if let Some(tallied) = step.tallied() {
        let model = tallied.model.as_ref().map(ToString::to_string);
        let provider = tallied.provider.as_ref().map(ToString::to_string);
        let usage = tallied.usage;
        add_usage(connection, &task, tallied.turns, (provider, model), &usage, tallied.cost.0)?;
    }
    Ok(())
}

/// Writes how a task has ended, unless another process has taken it over since: then the task is that one's to end.
pub(super) fn end(connection: &Connection, report: &TaskReport, owner: i64) -> rusqlite::Result<()> {
    let task = report.task.to_string();
    if let Outcome::Failed { error: TaskError::Journal(_) | TaskError::Audit(_), .. } = &report.outcome {
        // It stopped because its steps could not be kept: what is kept can be gone on from.
        let release = "UPDATE tasks SET owner = NULL WHERE id = ?1 AND owner = ?2";
        return connection.prepare_cached(release)?.execute(params![task, owner]).map(drop);
    }
    let shape = TaskJson::from(report);
    let ended = connection
        .prepare_cached(
            // An answer stays its process's until a judge has it: whether that process lives tells whether one comes.
            "UPDATE tasks SET owner = CASE WHEN judge IS NULL THEN NULL ELSE owner END,
                status = ?3, ended_ms = ?4, report = ?5
             WHERE id = ?1 AND (owner = ?2 OR owner IS NULL AND report IS NULL)",
        )?
        .execute(params![
            task,
            owner,
            super::record::status_name(report.status()),
            now_ms(),
            json(serde_json::to_string(&shape))?,
        ])?;
    if ended == 0 {
        return Ok(());
    }
    let model = report.model.as_ref().map(ToString::to_string);
    let provider = report.provider.as_ref().map(ToString::to_string);
    let cost = report.cost.unwrap_or_default().0;
    add_usage(connection, &task, report.turns, (provider, model), &report.usage, cost)
}

/// Adds what came since the last turn of this sitting: entries carry totals. Plain statements: `SQLite` would compile one
/// that reckons with what is bound to it anew each time.
fn add_usage(
    connection: &Connection,
    task: &str,
    turn: u32,
    (provider, model): (Option<String>, Option<String>),
    totals: &TokenUsage,
    cost: u64,
) -> rusqlite::Result<()> {
    if totals.total_tokens() == 0 {
        return Ok(());
    }
    let totals = [
        totals.input_tokens,
        totals.output_tokens,
        totals.cache_read_tokens,
        totals.cache_write_tokens,
        cost,
    ];
    let sitting = connection
        .prepare_cached("SELECT sitting FROM tasks WHERE id = ?1")?
        .query_row([task], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(sitting) = sitting else { return Ok(()) };
    let (last_turn, known) = connection
        .prepare_cached(
            "SELECT MAX(turn), SUM(input_tokens), SUM(output_tokens), SUM(cache_read_tokens),
                SUM(cache_write_tokens), SUM(cost_micro_usd)
             FROM usage WHERE task = ?1 AND sitting = ?2",
        )?
        .query_row(params![task, sitting], |row| {
            let sum = |index| row.get::<_, Option<i64>>(index).map(Option::unwrap_or_default);
            Ok((row.get::<_, Option<u32>>(0)?, [sum(1)?, sum(2)?, sum(3)?, sum(4)?, sum(5)?]))
        })?;
    let mut news = known;
    for (new, total) in news.iter_mut().zip(totals) {
        *new = number(total).saturating_sub(*new).max(0);
    }
    if news == [0; 5] && last_turn >= Some(turn) {
        return Ok(());
    }
    let [input, output, cache_read, cache_write, cost] = news;
    connection
        .prepare_cached(
            "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET input_tokens = input_tokens + excluded.input_tokens,
                output_tokens = output_tokens + excluded.output_tokens,
                cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
                cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
                cost_micro_usd = cost_micro_usd + excluded.cost_micro_usd",
        )?
        .execute(params![
            task,
            sitting,
            turn,
            provider,
            model,
            input,
            output,
            cache_read,
            cache_write,
            cost
        ])?;
    Ok(())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Our own types are always JSON; if one is not, its task must not pass for recorded.
fn json(text: serde_json::Result<String>) -> rusqlite::Result<String> {
    text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
