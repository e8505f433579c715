//! What the supervisor does with each message; the work is in its own methods.

use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult, ResponseFuture};
use codex_task_config::ProviderName;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use super::actor::{SupervisorActor, SupervisorCounters};
use super::record::Beginning;
use super::slots::SlotKey;
use super::table::{TaskEntry, TaskState};
use super::watch::WATCH_INTERVAL;
use super::workers::{RetireWorker, WorkerGone};
use crate::audit::AuditEvent;
use crate::messages::{
    AskHealth, AskPlace, CancelQueued, CancelTask, Drain, ListProviders, Observe, SubagentFinished,
    SubagentGone, SubagentStepped,
};
use crate::provider::{ProviderActor, ProviderCounters, ProviderHealth};
use crate::subagent::StopCause;
use crate::task::{
    Conversation, Outcome, RunTask, TaskError, TaskEventKind, TaskId, TaskReport, TaskRequest, decode,
};

impl Actor for SupervisorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.planner.report_to(ctx.address().recipient(), self.dice.split());
        self.workers.start(self.worker_count, &ctx.address());
        ctx.run_interval(WATCH_INTERVAL, Self::watch);
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Handler<RunTask<T>> for SupervisorActor {
    type Result = ResponseFuture<Result<TaskReport<T>, TaskError>>;

    fn handle(&mut self, task: RunTask<T>, ctx: &mut Self::Context) -> Self::Result {
        if self.drained.is_some() {
            return Box::pin(async { Err(TaskError::ShuttingDown) });
        }
        let ended = self.take(task.request, ctx);
        Box::pin(async move {
            let report = ended.await.map_err(|_| TaskError::RuntimeDown)?;
            Ok(decode(report))
        })
    }
}

impl Handler<CancelTask> for SupervisorActor {
    type Result = bool;

    fn handle(&mut self, CancelTask { task }: CancelTask, ctx: &mut Self::Context) -> Self::Result {
        self.cancel(task, ctx)
    }
}

impl SupervisorActor {
    /// Takes a task, whether its conversation is new or goes on.
    pub(super) fn take(
        &mut self,
        request: TaskRequest,
        ctx: &mut Context<Self>,
    ) -> oneshot::Receiver<Arc<TaskReport>> {
        match request.conversation {
            Conversation::New => self.admit(Beginning::Fresh(Arc::new(request)), ctx),
            Conversation::Resumed => self.resume(request, ctx),
        }
    }

    /// Ends a task wherever it is. Returns whether it was there.
    pub(super) fn cancel(&mut self, task: TaskId, ctx: &mut Context<Self>) -> bool {
        let Some(entry) = self.tasks.get_mut(&task) else { return self.cancel_recall(task) };
        entry.audit.record(|| AuditEvent::CancelAsked);
        match entry.state {
            TaskState::Running { .. } => {
                entry.stopping_since.get_or_insert_with(Instant::now);
                entry.stop.fire(StopCause::Cancelled);
            }
            TaskState::Queued | TaskState::Restarting => {
                let tally = entry.checkpoint.tally.clone();
                let partial = tally.partial.clone();
                self.finish(task, Outcome::Cancelled { partial }, tally, ctx);
            }
        }
        true
    }

    /// A task ends with the one whose agent has asked for it, as long as that one lives.
    pub(super) fn join_parent(&mut self, request: &TaskRequest) {
        let parent = request.lineage.parent.and_then(|parent| self.tasks.get_mut(&parent));
        if let Some(parent) = parent {
            parent.children.push(request.id);
        }
    }

    /// Ends what the agent of a task has asked for and nobody waits for any longer. An agent that ends by itself leaves
    /// nothing of its calls; but one on a blocked Arbiter drops nothing, and a child that is gone on with after a crash is
    /// held by no call.
    pub(super) fn cancel_children(&mut self, parent: TaskId, children: Vec<TaskId>, ctx: &mut Context<Self>) {
        for child in children {
            // Its conversation may go on for somebody else by now.
            let entry = self.tasks.get(&child);
            if entry.is_some_and(|entry| entry.request.lineage.parent == Some(parent)) {
                self.cancel(child, ctx);
            }
        }
    }
}

impl Handler<CancelQueued> for SupervisorActor {
    type Result = usize;

    fn handle(&mut self, _: CancelQueued, ctx: &mut Self::Context) -> Self::Result {
        let waiting = self.slots.queue();
        for task in &waiting {
            self.cancel(*task, ctx);
        }
        waiting.len()
    }
}

impl Handler<SubagentStepped> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, stepped: SubagentStepped, _: &mut Self::Context) {
        let SubagentStepped { task, generation, step, recorded } = stepped;
        if self.current(task, generation).is_none() {
            return;
        }
        self.record_step(task, &step, recorded);
        if let Some(entry) = self.tasks.get_mut(&task) {
            entry.checkpoint.apply(step);
        }
    }
}

impl Handler<SubagentFinished> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, finished: SubagentFinished, ctx: &mut Self::Context) {
        if self.current(finished.task, finished.generation).is_some() {
            let ending = *finished.ending;
            self.finish(finished.task, ending.outcome, ending.tally, ctx);
        }
    }
}

impl Handler<SubagentGone> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, gone: SubagentGone, ctx: &mut Self::Context) {
        let policy = self.restart_policy();
        let task = gone.task;
        let Some(entry) = self.current(task, gone.generation) else { return };
        if let TaskState::Running { place } = std::mem::replace(&mut entry.state, TaskState::Restarting) {
            self.workers.leave(place);
        }
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        if entry.stop.cause().is_some() {
            let tally = entry.checkpoint.tally.clone();
            let outcome = outcome_of_stop(entry, tally.partial.clone());
            return self.finish(task, outcome, tally, ctx);
        }
        let Some(cause) = gone.panic else {
            if self.workers.are_ending() {
                // There is no worker left to move to. Its caller is told when the supervisor has ended too.
                return;
            }
            self.counters.moved += 1;
            return self.incarnate(task, ctx);
        };
        entry.audit.record(|| AuditEvent::Panicked { cause: cause.as_str().into() });
        let restart = entry.restarts.restart_after(&policy, Instant::now(), &mut self.dice);
        let restarts = entry.restarts.total();
        warn!(task_id = %task, restarts, cause, "an agent panicked");
        let Some(wait) = restart else {
            let tally = entry.checkpoint.tally.clone();
            let outcome = Outcome::Crashed { restarts, cause, partial: tally.partial.clone() };
            return self.finish(task, outcome, tally, ctx);
        };
        self.counters.restarted += 1;
        entry.audit.record(|| AuditEvent::Restarted { restarts });
        entry.checkpoint.tally.notes.insert(format!("restarted after a crash: {cause}"));
        let event = TaskEventKind::Restarted { restarts, cause };
        if let Some(entry) = self.tasks.get(&task) {
            self.publish(&entry.request, || event);
        }
        // Few agents are between two lives at a time, so a timer of the actor's own is cheap here.
        ctx.run_later(wait, move |actor, ctx| actor.restart(task, gone.generation, ctx));
    }
}

/// How a task ended that was asked to stop and whose agent died before it could say so.
fn outcome_of_stop(entry: &TaskEntry, partial: Option<String>) -> Outcome {
    match entry.stop.cause() {
        Some(StopCause::Deadline) => Outcome::TimedOut { after: entry.time_allowed(), partial },
        Some(StopCause::Cancelled) | None => Outcome::Cancelled { partial },
    }
}

impl Handler<WorkerGone> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, gone: WorkerGone, ctx: &mut Self::Context) {
        self.workers.replace(gone, &ctx.address());
    }
}

impl Handler<RetireWorker> for SupervisorActor {
    type Result = bool;

    fn handle(&mut self, RetireWorker { index }: RetireWorker, _: &mut Self::Context) -> Self::Result {
        self.workers.retire(index)
    }
}

impl Handler<Drain> for SupervisorActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (done, drained) = oneshot::channel();
        self.drained.get_or_insert_default().push(done);
        self.tell_if_drained();
        Box::pin(async move {
            let _ = drained.await; // a supervisor that is gone has no tasks either
        })
    }
}

impl SupervisorActor {
    /// What each provider's actor says of itself, in the order of their names; what is said of one that is dead.
    fn of_all_providers<C>(&self, of_dead: fn(ProviderName) -> Option<C>) -> ResponseFuture<Vec<C>>
    where
        C: Send + 'static,
        ProviderActor: Handler<Observe<C>>,
        Context<ProviderActor>: ToEnvelope<ProviderActor, Observe<C>>,
    {
        let mut gates: Vec<_> = self.planner.gates().map(|(name, gate)| (name.clone(), gate)).collect();
        gates.sort_by(|(one, _), (other, _)| one.cmp(other));
        let asked = gates.into_iter().map(|(name, gate): (ProviderName, Addr<ProviderActor>)| async move {
            gate.send(Observe::new()).await.ok().or_else(|| of_dead(name))
        });
        let told = join_all(asked);
        Box::pin(async move { told.await.into_iter().flatten().collect() })
    }
}

impl Handler<ListProviders> for SupervisorActor {
    type Result = ResponseFuture<Vec<ProviderCounters>>;

    fn handle(&mut self, _: ListProviders, _: &mut Self::Context) -> Self::Result {
        self.of_all_providers(|_| None)
    }
}

impl Handler<AskPlace> for SupervisorActor {
    type Result = Option<usize>;

    fn handle(&mut self, AskPlace { task }: AskPlace, _: &mut Self::Context) -> Self::Result {
        let entry = self.tasks.get(&task).filter(|entry| matches!(entry.state, TaskState::Queued))?;
        Some(self.slots.before(SlotKey::of(&entry.request), task))
    }
}

impl Handler<AskHealth> for SupervisorActor {
    type Result = ResponseFuture<Vec<ProviderHealth>>;

    fn handle(&mut self, _: AskHealth, _: &mut Self::Context) -> Self::Result {
        self.of_all_providers(|provider| Some(ProviderHealth::down(provider)))
    }
}

impl Handler<Observe<SupervisorCounters>> for SupervisorActor {
    type Result = MessageResult<Observe<SupervisorCounters>>;

    fn handle(&mut self, _: Observe<SupervisorCounters>, _: &mut Self::Context) -> Self::Result {
        MessageResult(SupervisorCounters {
            running: self.slots.running(),
            queued: self.slots.queued(),
            running_max: self.limit.now(),
            shortage: self.limit.shortage(),
            promised: self.runs.values().map(|budget| budget.promised()).sum(),
            ..self.counters.clone()
        })
    }
}
