//! The journal of one process.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use codex_task_actors::{
    Journal, JournalAck, JournalEntry, JournalError, TaskError, TaskId, TaskImage, TaskRequest,
};
use codex_task_config::{Environment, Retention};
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::apply::Origin;
use super::claim::ClaimError;
use super::database;
use super::error::StoreError;
use super::lease::{self, Process};
use super::queue::Queue;
use super::records::Records;
use super::retention::Keeping;
use super::shared::Shared;
use super::trails::Trail;
use super::upkeep::Upkeep;
use super::writer::Writer;

/// Entries that may wait for the writer before agents have to.
pub(super) const BACKLOG_MAX: usize = 4_096;

/// Records what a runtime does. Agents wait before their next model call while the disk is slow; a task whose steps
/// cannot be written fails with [`crate::TaskError::Journal`], and the others go on. Dropping it writes what is there and
/// ends its thread, without waiting; [`Recorder::close`] waits.
pub struct Recorder {
    records: Records,
    pub(super) owner: i64,
    pub(super) process: Process,
    pub(super) trail: Arc<Trail>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    /// Taken by whoever closes first.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Tasks that other processes want to be cancelled; taken by whoever cancels them.
    cancelled: Mutex<Option<UnboundedReceiver<TaskId>>>,
}

impl Recorder {
    /// Begins to record. `context` is kept with each run for whoever resumes it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn start(records: Records, environment: &Environment, context: &str) -> Result<Self, StoreError> {
        Self::start_with(records, environment, context, Retention::default())
    }

    /// As [`Recorder::start`], with another time that runs are kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn start_with(
        records: Records,
        environment: &Environment,
        context: &str,
        retention: Retention,
    ) -> Result<Self, StoreError> {
        Self::start_on(database::open(records.path())?, records, environment, context, retention)
    }

    /// Begins to record in the user's own records, as [`Records::of_user`] and [`Recorder::start_with`] would, and opens
    /// the file once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of_user(
        environment: &Environment,
        context: &str,
        retention: Retention,
    ) -> Result<Self, StoreError> {
        let (records, connection) = Records::open_of_user(environment)?;
        Self::start_on(connection, records, environment, context, retention)
    }

    fn start_on(
        connection: Connection,
        records: Records,
        environment: &Environment,
        context: &str,
        retention: Retention,
    ) -> Result<Self, StoreError> {
        let process = Process::current();
        let owner = lease::enter(&connection, &process)?;
        let (queue, shared) = (Arc::<Queue>::default(), Arc::<Shared>::default());
        let trail = Arc::<Trail>::default();
        let (cwd, context) = (environment.cwd().display().to_string(), context.to_owned());
        let (tell, cancelled) = unbounded_channel();
        let writer = Writer::new(
            connection,
            (Arc::clone(&queue), Arc::clone(&shared)),
            Origin { owner, cwd, context, trail: Arc::clone(&trail) },
            Upkeep::new(owner, process.clone(), Keeping::new(retention, records.path()), tell),
        );
        let thread = std::thread::Builder::new()
            .name("codex-task-journal".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::Thread)?;
        Ok(Self {
            records,
            owner,
            process,
            trail,
            queue,
            shared,
            thread: Mutex::new(Some(thread)),
            cancelled: Mutex::new(Some(cancelled)),
        })
    }

    /// What is recorded.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Why something is not on record, if anything is lost or cannot be written now. What was told a moment ago may still
    /// be on its way: [`Recorder::settled`] waits for it.
    pub fn failure(&self) -> Option<JournalError> {
        self.shared.failure()
    }

    /// Waits until everything so far is on disk.
    ///
    /// # Errors
    /// [`JournalError`] when something is not, and never will be, or not yet.
    pub async fn settled(&self) -> Result<(), JournalError> {
        self.flush().await;
        self.failure().map_or(Ok(()), Err)
    }

    /// Tasks of this process that others want to be cancelled (see [`Records::cancel`]), as they come; `None` when somebody
    /// has taken it already. A runtime takes it when it starts.
    pub fn take_cancelled(&self) -> Option<UnboundedReceiver<TaskId>> {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tasks that were taken over are watched like new ones.
    pub(super) fn watch(&self, tasks: impl IntoIterator<Item = TaskId>) {
        self.shared.begin(tasks);
        drop(self.queue.flushed()); // so that a writer that sleeps hears of it
    }

    /// A task was given back.
    pub(super) fn unwatch(&self, task: TaskId) {
        self.shared.end(task);
    }

    /// Waits until everything so far is on disk, or is known to be lost.
    pub async fn flush(&self) {
        let _ = self.queue.flushed().await; // a writer that ended has written all it could
    }

    /// Writes what is there and ends; tasks that have not ended may then be resumed. Blocks the calling thread.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.queue.close();
            let _ = thread.join(); // it does not panic
        }
    }

    fn send(&self, entry: JournalEntry, ack: Option<JournalAck>) {
        if let JournalEntry::Admitted(_) = &entry {
            self.shared.begin(entry.tasks());
        }
        self.shared.backlog.fetch_add(1, Ordering::AcqRel);
        if let Err(entry) = self.queue.push(entry, ack) {
            self.shared.backlog.fetch_sub(1, Ordering::AcqRel);
            let error = JournalError { detail: "the recorder is closed".to_owned() };
            match &entry {
                JournalEntry::Ended { .. } => self.shared.lose_for_good(&error),
                JournalEntry::Admitted(_) | JournalEntry::Stepped { .. } => {
                    entry.tasks().for_each(|task| self.shared.lose(task, &error));
                }
            }
        }
    }
}

impl Journal for Recorder {
    fn record(&self, entry: JournalEntry) {
        self.send(entry, None);
    }

    fn record_durably(&self, entry: JournalEntry, ack: JournalAck) {
        self.send(entry, Some(ack));
    }

    fn room(&self, task: TaskId) -> BoxFuture<'static, Result<(), JournalError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            loop {
                let mut progress = std::pin::pin!(shared.progress.notified());
                // Before the look, so that a transaction in between is not missed.
                progress.as_mut().enable();
                if let Some(loss) = shared.loss_of(task) {
                    return Err(loss);
                }
                if shared.backlog.load(Ordering::Acquire) <= BACKLOG_MAX {
                    return Ok(());
                }
                progress.await;
            }
        })
    }

    fn recalls(&self) -> bool {
        true
    }

    fn recall(&self, request: TaskRequest) -> BoxFuture<'static, Result<Option<TaskImage>, TaskError>> {
        // The task may be one of this very runtime; a writer that ended has written all it could.
        let flushed = self.queue.flushed();
        let (reopening, shared) = (self.reopening(), Arc::clone(&self.shared));
        Box::pin(async move {
            let _ = flushed.await;
            if let Some(error) = shared.owed_of(request.id) {
                return Err(TaskError::Journal(error));
            }
            let reopened = tokio::task::spawn_blocking(move || reopening.reopen(&request)).await;
            let unreadable = |detail: String| TaskError::Journal(JournalError { detail });
            match reopened {
                Ok(Ok(image)) => Ok(Some(image)),
                Ok(Err(ClaimError::UnknownTask(_))) => Ok(None),
                Ok(Err(ClaimError::Running(task))) => Err(TaskError::StillRunning { task }),
                Ok(Err(error)) => Err(unreadable(error.to_string())),
                Err(error) => Err(unreadable(error.to_string())),
            }
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.close();
    }
}
