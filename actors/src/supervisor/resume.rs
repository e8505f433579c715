//! Conversations that go on: asked of the journal, or of what the supervisor itself remembers.
//!
//! The journal is asked off this thread. Until it has answered, the task is neither queued nor running. Whoever cancels it
//! meanwhile does not wait for a slow disk; what the journal then takes as going on has ended already.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{AsyncContext, Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::SupervisorActor;
use super::record::Beginning;
use crate::journal::{JournalEntry, TaskImage};
use crate::task::{Outcome, TaskError, TaskId, TaskReport, TaskRequest};

/// Replies when it is settled whether a task that resumes another one's conversation begins: at once for any other task.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct AwaitRecall {
    /// The task.
    pub task: TaskId,
}

/// The journal has answered.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Recalled {
    task: TaskId,
    found: Result<Option<Box<TaskImage>>, TaskError>,
}

/// The tasks whose conversation the journal looks for.
pub(super) type Recalling = HashMap<TaskId, Recall>;

/// One of them.
pub(super) struct Recall {
    request: TaskRequest,
    caller: RecallCaller,
    /// Who wants to go on with it next, when that one has left.
    next: Option<(TaskRequest, oneshot::Sender<Arc<TaskReport>>)>,
    /// Told when it is settled.
    waiting: Vec<oneshot::Sender<()>>,
    _asking: AbortOnDropHandle<()>,
}

/// Who has asked for it.
enum RecallCaller {
    /// He waits.
    Waits(oneshot::Sender<Arc<TaskReport>>),
    /// He has cancelled it and was told this.
    Left(Arc<TaskReport>),
}

impl SupervisorActor {
    /// Goes on with the conversation of a task that has ended.
    pub(super) fn resume(
        &mut self,
        request: TaskRequest,
        ctx: &mut Context<Self>,
    ) -> oneshot::Receiver<Arc<TaskReport>> {
        let (reply, report) = oneshot::channel();
        let task = request.id;
        match self.recalling.get_mut(&task) {
            Some(recall) if recall.is_left() => recall.next = Some((request, reply)),
            None if !self.tasks.contains_key(&task) => self.recall(request, reply, Vec::new(), ctx),
            Some(_) | None => drop(self.refuse(&request, TaskError::StillRunning { task }, reply)),
        }
        report
    }

    fn recall(
        &mut self,
        request: TaskRequest,
        reply: oneshot::Sender<Arc<TaskReport>>,
        waiting: Vec<oneshot::Sender<()>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(journal) = self.journal.clone().filter(|journal| journal.recalls()) else {
            settle(waiting);
            return self.resume_from_memory(request, reply, ctx);
        };
        let task = request.id;
        let (wanted, addr) = (request.clone(), ctx.address());
        let asking = self.services.io.spawn(async move {
            let found = journal.recall(wanted).await;
            // A supervisor that is gone has answered everybody.
            let _ = addr.send(Recalled { task, found: found.map(|image| image.map(Box::new)) }).await;
        });
        let caller = RecallCaller::Waits(reply);
        let recall = Recall { request, caller, next: None, waiting, _asking: asking };
        self.recalling.insert(task, recall);
    }

    fn resume_from_memory(
        &mut self,
        request: TaskRequest,
        reply: oneshot::Sender<Arc<TaskReport>>,
        ctx: &mut Context<Self>,
    ) {
        let Some((image, last)) = self.transcripts.take(request.id) else {
            self.refuse(&request, no_transcript(request.id), reply);
            return;
        };
        let before = (image.clone(), last.clone());
        let (image, _) = image.with_prompt(last.as_deref(), &request.prompt);
        let beginning = Beginning::Reopened(Box::new(image.asked_for(request)));
        if self.admit_to(beginning, reply, ctx).is_some() {
            // It could not begin: what was said before is there to be gone on with all the same.
            self.transcripts.keep(before.0, before.1);
        }
    }

    /// Remembers what a task said and was told, unless the journal does.
    pub(super) fn keep_transcript(&mut self, image: TaskImage, report: &TaskReport) {
        if self.journal.as_ref().is_some_and(|journal| journal.recalls()) {
            return;
        }
        let last = match &report.outcome {
            Outcome::Completed(text) => Some(text.clone()),
            // What an agent had written when it was stopped is in its conversation already, as far as it had come.
            Outcome::Failed { .. }
            | Outcome::TimedOut { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Crashed { .. } => None,
        };
        self.transcripts.keep(image, last);
    }

    /// Ends a task that is looked for. Returns whether there is one. Nobody goes on with its conversation before the
    /// journal has answered.
    pub(super) fn cancel_recall(&mut self, task: TaskId) -> bool {
        let Some(mut recall) = self.recalling.remove(&task) else { return false };
        let was_there = recall.next.is_some() || !recall.is_left();
        if let Some((request, reply)) = recall.next.take() {
            self.forgo(&request, reply);
        }
        recall.caller = match recall.caller {
            RecallCaller::Waits(reply) => RecallCaller::Left(self.forgo(&recall.request, reply)),
            left @ RecallCaller::Left(_) => left,
        };
        settle(std::mem::take(&mut recall.waiting));
        self.recalling.insert(task, recall);
        was_there
    }
}

impl Recall {
    /// Whether nobody wants it any longer.
    fn is_left(&self) -> bool {
        self.next.is_none() && matches!(self.caller, RecallCaller::Left(_))
    }
}

fn settle(waiting: Vec<oneshot::Sender<()>>) {
    for waiter in waiting {
        let _ = waiter.send(()); // whoever left needs no answer
    }
}

fn no_transcript(task: TaskId) -> TaskError {
    TaskError::NoTranscript { task: task.to_string() }
}

impl Handler<Recalled> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, Recalled { task, found }: Recalled, ctx: &mut Self::Context) {
        let Some(recall) = self.recalling.remove(&task) else { return };
        let Recall { request, caller, next, waiting, .. } = recall;
        match (found, caller) {
            // The journal took it as going on.
            (Ok(Some(_)), RecallCaller::Left(report)) => self.record(|| JournalEntry::Ended { report }),
            (Ok(None) | Err(_), RecallCaller::Left(_)) => {}
            (Err(error), RecallCaller::Waits(reply)) => drop(self.refuse(&request, error, reply)),
            // A journal that was begun later than the task knows nothing of it.
            (Ok(None), RecallCaller::Waits(reply)) => self.resume_from_memory(request, reply, ctx),
            (Ok(Some(image)), RecallCaller::Waits(reply)) => {
                if let Some(report) = self.admit_to(Beginning::Resumed(image), reply, ctx) {
                    self.record(|| JournalEntry::Ended { report });
                } else if self.drained.is_some() {
                    self.cancel(task, ctx);
                }
            }
        }
        match next {
            Some((request, reply)) => self.recall(request, reply, waiting, ctx),
            None => settle(waiting),
        }
        self.tell_if_drained();
    }
}

impl Handler<AwaitRecall> for SupervisorActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, AwaitRecall { task }: AwaitRecall, _: &mut Self::Context) -> Self::Result {
        let Some(recall) = self.recalling.get_mut(&task) else { return Box::pin(async {}) };
        let (settled, waiting) = oneshot::channel();
        recall.waiting.push(settled);
        Box::pin(async move {
            let _ = waiting.await; // a supervisor that is gone has settled everything
        })
    }
}
