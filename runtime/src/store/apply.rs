//! From entries to rows.

use codex_task_actors::{Admission, JournalEntry, JournalStep, Outcome, TaskError, TaskId, TaskReport};
use rusqlite::{Connection, params};

use super::lease::now_ms;
use crate::json::TaskJson;

/// What stands beside each run.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// This process's number.
    pub(super) owner: i64,
    /// Working directory.
    pub(super) cwd: String,
    /// The host's own words.
    pub(super) context: String,
}

/// Writes one entry.
pub(super) fn apply(connection: &Connection, entry: &JournalEntry, origin: &Origin) -> rusqlite::Result<()> {
    match entry {
        JournalEntry::Admitted(admissions) => {
            admissions.iter().try_for_each(|admission| admit(connection, admission, origin))
        }
        JournalEntry::Stepped { task, step } => add_step(connection, *task, step),
        JournalEntry::Ended { report } => end(connection, report),
    }
}

fn admit(connection: &Connection, admission: &Admission, origin: &Origin) -> rusqlite::Result<()> {
    let request = &admission.request;
    let (run, now) = (request.run.to_string(), now_ms());
    connection
        .prepare_cached("INSERT OR IGNORE INTO runs (id, begun_ms, cwd, context) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run, now, origin.cwd, origin.context])?;
    let task = request.id.to_string();
    let row = params![
        task,
        run,
        origin.owner,
        request.subagent_type,
        request.description,
        now,
        json(serde_json::to_string(admission))?,
    ];
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO tasks (id, run, owner, agent, description, begun_ms, admission)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    if insert.execute(row)? == 0 {
        // The caller has used the id before, for a task that has ended.
        for statement in [
            "DELETE FROM steps WHERE task = ?1",
            "DELETE FROM usage WHERE task = ?1",
            "DELETE FROM tasks WHERE id = ?1",
        ] {
            connection.execute(statement, [&task])?;
        }
        insert.execute(row)?;
    }
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

fn end(connection: &Connection, report: &TaskReport) -> rusqlite::Result<()> {
    let task = report.task.to_string();
    if let Outcome::Failed { error: TaskError::Journal(_) | TaskError::Audit(_), .. } = &report.outcome {
        // It stopped because its steps could not be kept: what is kept can be gone on from.
        let release = "UPDATE tasks SET owner = NULL WHERE id = ?1";
        return connection.prepare_cached(release)?.execute([task]).map(drop);
    }
    let model = report.model.as_ref().map(ToString::to_string);
    let provider = report.provider.as_ref().map(ToString::to_string);
    let cost = report.cost.unwrap_or_default().0;
    add_usage(connection, &task, report.turns, (provider, model), &report.usage, cost)?;
    let shape = TaskJson::from(report);
    connection
        .prepare_cached(
            "UPDATE tasks SET owner = NULL, status = ?2, ended_ms = ?3, report = ?4 WHERE id = ?1",
        )?
        .execute(params![
            task,
            super::record::status_name(report.status()),
            now_ms(),
            json(serde_json::to_string(&shape))?,
        ])?;
    Ok(())
}

/// Adds what came since the last turn of this sitting: entries carry totals.
fn add_usage(
    connection: &Connection,
    task: &str,
    turn: u32,
    (provider, model): (Option<String>, Option<String>),
    totals: &codex_task_config::TokenUsage,
    cost: u64,
) -> rusqlite::Result<()> {
    if totals.total_tokens() == 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO usage SELECT ?1, tasks.sitting, ?2, ?3, ?4,
                MAX(0, ?5 - COALESCE(SUM(input_tokens), 0)), MAX(0, ?6 - COALESCE(SUM(output_tokens), 0)),
                MAX(0, ?7 - COALESCE(SUM(cache_read_tokens), 0)), MAX(0, ?8 - COALESCE(SUM(cache_write_tokens), 0)),
                MAX(0, ?9 - COALESCE(SUM(cost_micro_usd), 0))
             FROM tasks LEFT JOIN usage ON usage.task = tasks.id AND usage.sitting = tasks.sitting
             WHERE tasks.id = ?1 GROUP BY tasks.id
             ON CONFLICT DO UPDATE SET input_tokens = input_tokens + excluded.input_tokens,
                output_tokens = output_tokens + excluded.output_tokens,
                cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
                cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
                cost_micro_usd = cost_micro_usd + excluded.cost_micro_usd",
        )?
        .execute(params![
            task,
            turn,
            provider,
            model,
            number(totals.input_tokens),
            number(totals.output_tokens),
            number(totals.cache_read_tokens),
            number(totals.cache_write_tokens),
            number(cost),
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
