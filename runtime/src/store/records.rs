//! Reading what is recorded.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use codex_task_actors::{RunId, TaskId};
use codex_task_config::{Environment, MicroUsd, TokenUsage};
use rusqlite::{Connection, Params, Row, params};

use super::database;
use super::error::StoreError;
use super::lease::{self, Process};
use super::question::{self, AWAITS_JUDGE};
use super::record::{RecordState, RunRecord, TaskRecord, status_of};

/// The file's name in the state directory.
const FILE: &str = "runs.db";

/// The recorded runs. Cheap to clone; every question opens the file for itself, so that nothing is held in between.
#[derive(Clone, Debug)]
pub struct Records {
    path: PathBuf,
}

impl Records {
    /// The user's own: `$XDG_STATE_HOME/codex-task/runs.db`.
    ///
    /// # Errors
    /// [`StoreError`]; the file is made if there is none.
    pub fn of_user(environment: &Environment) -> Result<Self, StoreError> {
        Self::open_of_user(environment).map(|(records, _)| records)
    }

    /// The user's own, with the connection that has opened them.
    pub(super) fn open_of_user(environment: &Environment) -> Result<(Self, Connection), StoreError> {
        let path = Self::path_of_user(environment)?;
        let connection = database::open(&path)?;
        Ok((Self { path }, connection))
    }

    /// Where the user's own are.
    pub(crate) fn path_of_user(environment: &Environment) -> Result<PathBuf, StoreError> {
        Ok(environment.state_dir().ok_or(StoreError::NoPlace)?.join(FILE))
    }

    /// Those in this file.
    ///
    /// # Errors
    /// [`StoreError`]; the file is made if there is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        database::open(&path)?;
        Ok(Self { path })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The newest runs, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(&self, most: u32) -> Result<Vec<RunRecord>, StoreError> {
        let connection = database::open(&self.path)?;
        let list = runs(&connection, "ORDER BY begun_ms DESC, id DESC LIMIT ?1", [most]);
        list.map_err(|error| StoreError::of(&self.path, error))
    }

    /// Runs whose id ends or begins like this, newest first; the short ids of the screen are enough.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(&self, id: &str) -> Result<Vec<RunRecord>, StoreError> {
        let connection = database::open(&self.path)?;
        let id = id.trim().to_ascii_lowercase();
        let found = runs(
            &connection,
            "WHERE ?1 <> '' AND (substr(id, -length(?1)) = ?1 OR substr(id, 1, length(?1)) = ?1)
             ORDER BY begun_ms DESC LIMIT 20",
            [&id],
        );
        found.map_err(|error| StoreError::of(&self.path, error))
    }

    /// Tasks whose id, or whose run's, ends or begins like this, the newest last: ids and agents, twenty at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find_tasks(&self, id: &str) -> Result<Vec<(TaskId, String)>, StoreError> {
        let connection = database::open(&self.path)?;
        let wanted = id.trim().to_ascii_lowercase();
        let find = || -> rusqlite::Result<Vec<(TaskId, String)>> {
            let mut query = connection.prepare(
                "SELECT id, agent FROM tasks
                 WHERE ?1 <> '' AND (substr(id, -length(?1)) = ?1 OR substr(id, 1, length(?1)) = ?1
                    OR substr(run, -length(?1)) = ?1 OR substr(run, 1, length(?1)) = ?1)
                 ORDER BY number LIMIT 20",
            )?;
            let rows = query.query_map([&wanted], |row| Ok((self::id(row, 0)?, row.get(1)?)))?;
            rows.collect()
        };
        find().map_err(|error| StoreError::of(&self.path, error))
    }

    /// One run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        let connection = database::open(&self.path)?;
        read_run(&connection, run).map_err(|error| StoreError::of(&self.path, error))
    }

    /// Runs that are not over and that no process works on, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unfinished(&self) -> Result<Vec<RunRecord>, StoreError> {
        let connection = database::open(&self.path)?;
        let begun = runs(
            &connection,
            &format!(
                "WHERE EXISTS (SELECT 1 FROM tasks WHERE run = runs.id AND status IS NULL) OR {AWAITS_JUDGE}
                 ORDER BY begun_ms, id"
            ),
            [],
        );
        let mut runs = begun.map_err(|error| StoreError::of(&self.path, error))?;
        runs.retain(|run| run.state == RecordState::Unfinished);
        Ok(runs)
    }
}

/// One run.
pub(super) fn read_run(connection: &Connection, run: RunId) -> rusqlite::Result<Option<RunRecord>> {
    Ok(runs(connection, "WHERE id = ?1", [run.to_string()])?.pop())
}

/// Runs with their tasks; `rest` says which, and in which order.
fn runs(connection: &Connection, rest: &str, values: impl Params) -> rusqlite::Result<Vec<RunRecord>> {
    let mut query =
        connection.prepare(&format!("SELECT id, begun_ms, cwd, context, {AWAITS_JUDGE} FROM runs {rest}"))?;
    let rows = query.query_map(values, run_row)?.collect::<Result<Vec<_>, _>>()?;
    let mut lives = Lives::default();
    rows.into_iter().map(|run| with_tasks(connection, run, &mut lives)).collect()
}

/// Which owners live, each looked at once.
#[derive(Default)]
struct Lives {
    this: Option<Process>,
    known: HashMap<i64, bool>,
}

impl Lives {
    fn this(&mut self) -> &Process {
        self.this.get_or_insert_with(Process::current)
    }

    fn is_alive(&mut self, connection: &Connection, owner: i64) -> rusqlite::Result<bool> {
        if let Some(known) = self.known.get(&owner) {
            return Ok(*known);
        }
        let is_alive = lease::is_alive(connection, owner, self.this())?;
        self.known.insert(owner, is_alive);
        Ok(is_alive)
    }
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run: id(row, 0)?,
        begun_ms: row.get(1)?,
        cwd: row.get(2)?,
        context: row.get(3)?,
        state: RecordState::Unfinished,
        awaits_judge: row.get(4)?,
        tasks: Vec::new(),
    })
}

fn with_tasks(connection: &Connection, mut run: RunRecord, lives: &mut Lives) -> rusqlite::Result<RunRecord> {
    let mut query = connection.prepare_cached(
        "SELECT tasks.id, agent, description, begun_ms, ended_ms, status, owner, report, COUNT(usage.task),
            COALESCE(SUM(input_tokens), 0), COALESCE(SUM(output_tokens), 0),
            COALESCE(SUM(cache_read_tokens), 0), COALESCE(SUM(cache_write_tokens), 0),
            COALESCE(SUM(cost_micro_usd), 0)
         FROM tasks LEFT JOIN usage ON usage.task = tasks.id
         WHERE run = ?1 GROUP BY tasks.number ORDER BY tasks.number",
    )?;
    let rows = query.query_map(params![run.run.to_string()], task_row)?.collect::<Result<Vec<_>, _>>()?;
    for (mut task, owner) in rows {
        if let (RecordState::Unfinished, Some(owner)) = (task.state, owner)
            && lives.is_alive(connection, owner)?
        {
            task.state = RecordState::Running;
        }
        run.tasks.push(task);
    }
    run.state = RunRecord::state_of(&run.tasks);
    if run.awaits_judge {
        let is_held = question::is_held(connection, run.run, lives.this())?;
        run.state = if is_held { RecordState::Running } else { RecordState::Unfinished };
    }
    Ok(run)
}

/// A task, and who works on it.
fn task_row(row: &Row<'_>) -> rusqlite::Result<(TaskRecord, Option<i64>)> {
    let status: Option<String> = row.get(5)?;
    let report: Option<String> = row.get(7)?;
    let count = |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or_default());
    let task = TaskRecord {
        task: id::<TaskId>(row, 0)?,
        agent: row.get(1)?,
        description: row.get(2)?,
        state: status.as_deref().map_or(RecordState::Unfinished, |name| RecordState::Ended(status_of(name))),
        begun_ms: row.get(3)?,
        ended_ms: row.get(4)?,
        turns: row.get(8)?,
        usage: TokenUsage {
            input_tokens: count(9)?,
            output_tokens: count(10)?,
            cache_read_tokens: count(11)?,
            cache_write_tokens: count(12)?,
            ..TokenUsage::default()
        },
        cost: MicroUsd(count(13)?),
        report: report.and_then(|text| serde_json::from_str(&text).ok()),
    };
    Ok((task, row.get(6)?))
}

/// An id in its text form.
pub(super) fn id<T: std::str::FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(index)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
    })
}
