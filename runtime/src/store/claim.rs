//! Taking over what dead processes have left.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_actors::{Admission, ImageError, RunId, TaskId, TaskImage, TaskRequest, TaskStatus};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::accounts::Accounts;
use super::apply::add_step;
use super::database;
use super::error::StoreError;
use super::lease::{self, Process};
use super::question;
use super::record::status_name;
use super::recorder::Recorder;
use super::trails::Trail;

/// Tasks that this process may go on with.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// They, in the order in which they were asked for.
    pub images: Vec<TaskImage>,
    /// Tasks of the run that have ended already.
    pub ended: usize,
    /// Tasks of the run that a living process works on.
    pub running: usize,
    /// The task that is to compare the answers, where the run is about a question that nobody has judged: this process is
    /// to run it when the answers are there.
    pub judge: Option<TaskId>,
}

/// Why nothing could be taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// No such run is recorded.
    #[error("no run {0} is recorded")]
    UnknownRun(RunId),
    /// No such task is recorded.
    #[error("No transcript found for agent ID: {0}")]
    UnknownTask(String),
    /// Somebody works on the task.
    #[error("the task {0} is still running")]
    Running(TaskId),
    /// The record cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of a task cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl From<rusqlite::Error> for ClaimError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Recorder {
    /// Takes over the tasks of a run that have not ended and that no living process works on. What follows of them must
    /// be told to this recorder.
    ///
    /// # Errors
    /// [`ClaimError`]; then nothing is taken over.
    pub fn claim(&self, run: RunId) -> Result<Claim, ClaimError> {
        let mut connection = database::open(self.records().path())?;
        // Two processes that want the same run come one after the other.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = transaction
            .prepare("SELECT id, owner, status IS NOT NULL FROM tasks WHERE run = ?1 ORDER BY number")?
            .query_map([run.to_string()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, bool>(2)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Err(ClaimError::UnknownRun(run));
        }
        let accounts = Accounts::of_run(&transaction, run)?;
        let judge = question::missing_judge(&transaction, run)?;
        // Looked at before anything is taken: what is ours from here on lives, too.
        let is_held = judge.is_some() && question::is_held(&transaction, run, &self.process)?;
        let mut claim = Claim::default();
        for (task, owner, has_ended) in rows {
            if has_ended {
                claim.ended += 1;
            } else if is_taken(&transaction, owner, &self.process)? {
                claim.running += 1;
            } else {
                let image = image(&transaction, &task)?.resumed();
                claim.images.push(image.with_taken(accounts.taken(&task)));
                take(&transaction, &task, self.owner)?;
            }
        }
        if is_held {
            // Its judge is that process's to run, also while none of the answers is.
            claim.running = claim.running.max(1);
        } else if judge.is_some() {
            question::hold(&transaction, run, self.owner)?;
            claim.judge = judge;
        }
        if !claim.images.is_empty() || claim.judge.is_some() {
            self.trail.covers(&transaction, &run.to_string())?;
        }
        transaction.commit()?;
        self.watch(claim.images.iter().map(|image| image.request().id));
        Ok(claim)
    }

    /// What reopens conversations, apart from the recorder itself.
    pub(super) fn reopening(&self) -> Reopening {
        Reopening {
            path: self.records().path().to_owned(),
            owner: self.owner,
            process: self.process.clone(),
            trail: Arc::clone(&self.trail),
        }
    }

    /// Gives tasks back that could not be gone on with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn release(&self, task: TaskId) -> Result<(), StoreError> {
        let connection = database::open(self.records().path())?;
        let release = "UPDATE tasks SET owner = NULL WHERE id = ?1 AND owner = ?2 AND status IS NULL";
        connection.execute(release, params![task.to_string(), self.owner])?;
        self.unwatch(task);
        Ok(())
    }
}

/// What reopens conversations: what a thread of its own needs of a recorder.
#[derive(Clone, Debug)]
pub(super) struct Reopening {
    path: PathBuf,
    owner: i64,
    process: Process,
    trail: Arc<Trail>,
}

impl Reopening {
    /// Takes over the conversation of the task that the request names, to go on with the request's prompt.
    ///
    /// # Errors
    /// [`ClaimError`].
    pub(super) fn reopen(&self, request: &TaskRequest) -> Result<TaskImage, ClaimError> {
        let id = request.id;
        let task = id.to_string();
        let mut connection = database::open(&self.path)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let query = "SELECT owner, status, report, run FROM tasks WHERE id = ?1";
        let row = transaction
            .query_row(query, [&task], |row| {
                Ok((
                    row.get::<_, Option<i64>>(0)?,
                    row.get::<_, Option<String>>(1)?,
                    row.get::<_, Option<String>>(2)?,
                    row.get::<_, String>(3)?,
                ))
            })
            .optional()?;
        let (owner, status, report, run) = row.ok_or_else(|| ClaimError::UnknownTask(task.clone()))?;
        if status.is_none() && is_taken(&transaction, owner, &self.process)? {
            return Err(ClaimError::Running(id));
        }
        let report: Option<serde_json::Value> = report.and_then(|text| serde_json::from_str(&text).ok());
        // What an agent had written when it was stopped is in its conversation already, as far as it had come.
        let last = report.filter(|_| status.as_deref() == Some(status_name(TaskStatus::Completed)));
        let last = last.as_ref().and_then(|report| report.get("result")?.as_str());
        let (image, steps) =
            image(&transaction, &task)?.asked_for(request.clone()).with_prompt(last, &request.prompt);
        take(&transaction, &task, self.owner)?;
        let anew = "UPDATE tasks SET sitting = sitting + 1, totals = NULL WHERE id = ?1";
        transaction.execute(anew, [&task])?;
        ask_anew(&transaction, &task, request)?;
        self.trail.covers(&transaction, &run)?;
        for step in &steps {
            add_step(&transaction, id, step)?;
        }
        transaction.commit()?;
        Ok(image)
    }
}

/// What was asked for now stands in the record instead of what was asked for first.
fn ask_anew(connection: &Connection, task: &str, request: &TaskRequest) -> Result<(), ClaimError> {
    let query = "SELECT admission FROM admissions WHERE task = (SELECT number FROM tasks WHERE id = ?1)";
    let admission: String = connection.query_row(query, [task], |row| row.get(0))?;
    let first: Admission = serde_json::from_str(&admission).map_err(ImageError::from)?;
    let image = TaskImage::of_admission(&admission)?.asked_for(request.clone());
    let anew = first.asked_anew(Arc::clone(image.request()));
    let anew = serde_json::to_string(&anew).map_err(ImageError::from)?;
    let update = "UPDATE admissions SET admission = ?2 WHERE task = (SELECT number FROM tasks WHERE id = ?1)";
    connection.execute(update, params![task, anew])?;
    Ok(())
}

fn is_taken(connection: &Connection, owner: Option<i64>, process: &Process) -> rusqlite::Result<bool> {
    owner.map_or(Ok(false), |owner| lease::is_alive(connection, owner, process))
}

fn take(connection: &Connection, task: &str, owner: i64) -> rusqlite::Result<()> {
    let take = "UPDATE tasks SET owner = ?2, status = NULL, ended_ms = NULL, report = NULL, cancel_ms = NULL
        WHERE id = ?1";
    connection.execute(take, params![task, owner]).map(drop)
}

/// The task as its rows tell.
fn image(connection: &Connection, task: &str) -> Result<TaskImage, ClaimError> {
    let query = "SELECT admission, totals FROM tasks JOIN admissions ON admissions.task = tasks.number
         WHERE id = ?1";
    let (admission, totals): (String, Option<String>) =
        connection.query_row(query, [task], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut image = TaskImage::of_admission(&admission)?;
    let mut steps = connection.prepare("SELECT step FROM steps WHERE task = ?1 ORDER BY id")?;
    let mut rows = steps.query([task])?;
    while let Some(row) = rows.next()? {
        image.apply(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    }
    if let Some(totals) = totals {
        image.set_totals(&totals)?;
    }
    Ok(image)
}
