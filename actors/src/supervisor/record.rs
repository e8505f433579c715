//! What the supervisor tells the journal, and how a task that the journal remembers goes on.

use std::sync::Arc;

use actix::{Context, Handler, Message, ResponseFuture};
use codex_task_providers::Message as Turn;
use futures_util::future::try_join_all;

use super::SupervisorActor;
use crate::journal::{Admission, JournalAck, JournalEntry, JournalStep, TaskImage};
use crate::subagent::{AgentPlan, Checkpoint, CheckpointStep};
use crate::task::{TaskError, TaskId, TaskReport, TaskRequest, decode};

/// What is told when the agent is not what it was.
const CHANGED: &str = "the agent's prompt or tools have changed since the task began";

/// Goes on with a task that the journal remembers, under its old id: from its last step, with what is paid already, and
/// without repeating a call that had begun. Replies as [`crate::RunTask`] does. The task's time begins anew.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<TaskReport, TaskError>")]
pub struct ContinueTask {
    /// The task; whoever sends it has made sure that no other process works on it.
    pub image: Box<TaskImage>,
}

/// Runs tasks side by side and replies with their reports, in the order given. Their beginnings are on record together or
/// not at all: a process that is killed right after has forgotten none of them.
///
/// # Cancel safety
/// Dropping the `send` future does not end the tasks: send [`crate::CancelTask`] for each.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Vec<Arc<TaskReport>>, TaskError>")]
pub struct RunTasks {
    /// The tasks.
    pub requests: Vec<TaskRequest>,
}

/// How a task begins.
pub(super) enum Beginning {
    /// For the first time.
    Fresh(Arc<TaskRequest>),
    /// Where the journal's image of it stands.
    Resumed(Box<TaskImage>),
    /// Where an image of it stands of which the journal knows nothing.
    Reopened(Box<TaskImage>),
}

impl Beginning {
    /// Whether the conversation has begun before.
    pub(super) fn is_resumed(&self) -> bool {
        match self {
            Self::Fresh(_) => false,
            Self::Resumed(_) | Self::Reopened(_) => true,
        }
    }

    pub(super) fn request(&self) -> &Arc<TaskRequest> {
        match self {
            Self::Fresh(request) => request,
            Self::Resumed(image) | Self::Reopened(image) => &image.request,
        }
    }
}

impl SupervisorActor {
    /// Puts the beginning of a task on record. Gives what its first incarnation starts with: the request, the first user
    /// turn and the checkpoint.
    pub(super) fn begin(
        &mut self,
        beginning: Beginning,
        plan: &AgentPlan,
        opening: Arc<Turn>,
    ) -> (Arc<TaskRequest>, Arc<Turn>, Checkpoint) {
        match beginning {
            Beginning::Fresh(request) => {
                self.record_beginning(|| Admission::new(&request, plan, &opening));
                (request, Arc::clone(&opening), Checkpoint::new(opening))
            }
            Beginning::Reopened(image) => {
                self.record_beginning(|| {
                    let admission = Admission::new(&image.request, plan, &image.opening);
                    admission.of_conversation(&image.checkpoint)
                });
                self.begin(Beginning::Resumed(image), plan, opening)
            }
            Beginning::Resumed(image) => {
                let TaskImage { request, prefix, opening, mut checkpoint, taken: _ } = *image;
                if prefix != plan.cache_key {
                    checkpoint.tally.notes.insert(CHANGED.to_owned());
                }
                (request, opening, checkpoint)
            }
        }
    }

    /// Puts one beginning on record, or keeps it for those that are written down with it.
    fn record_beginning(&mut self, admission: impl FnOnce() -> Admission) {
        match &mut self.admissions {
            Some(together) if self.journal.is_some() => together.push(admission()),
            Some(_) | None => self.record(|| JournalEntry::Admitted(vec![admission()])),
        }
    }

    /// Tells the journal, if there is one.
    pub(super) fn record(&self, entry: impl FnOnce() -> JournalEntry) {
        if let Some(journal) = &self.journal {
            journal.record(entry());
        }
    }

    /// Tells the journal of a step of the current incarnation.
    pub(super) fn record_step(&self, task: TaskId, step: &CheckpointStep, recorded: Option<JournalAck>) {
        let Some(journal) = &self.journal else { return };
        let entry = JournalEntry::Stepped { task, step: JournalStep(step.clone()) };
        match recorded {
            Some(recorded) => journal.record_durably(entry, recorded),
            None => journal.record(entry),
        }
    }
}

impl Handler<RunTasks> for SupervisorActor {
    type Result = ResponseFuture<Result<Vec<Arc<TaskReport>>, TaskError>>;

    fn handle(&mut self, RunTasks { requests }: RunTasks, ctx: &mut Context<Self>) -> Self::Result {
        if self.drained.is_some() {
            return Box::pin(async { Err(TaskError::ShuttingDown) });
        }
        self.admissions = Some(Vec::with_capacity(requests.len()));
        let ended: Vec<_> = requests.into_iter().map(|request| self.take(request, ctx)).collect();
        if let Some(admissions) = self.admissions.take().filter(|admissions| !admissions.is_empty()) {
            self.record(|| JournalEntry::Admitted(admissions));
        }
        Box::pin(async move { try_join_all(ended).await.map_err(|_| TaskError::RuntimeDown) })
    }
}

impl Handler<ContinueTask> for SupervisorActor {
    type Result = ResponseFuture<Result<TaskReport, TaskError>>;

    fn handle(&mut self, ContinueTask { image }: ContinueTask, ctx: &mut Context<Self>) -> Self::Result {
        if self.drained.is_some() {
            return Box::pin(async { Err(TaskError::ShuttingDown) });
        }
        let ended = self.admit(Beginning::Resumed(image), ctx);
        Box::pin(async move { Ok(decode(ended.await.map_err(|_| TaskError::RuntimeDown)?)) })
    }
}
