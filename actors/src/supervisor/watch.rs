//! Looking after what does not look after itself: agents that do not end, workers that do not answer, an aggregator that
//! has died.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use tokio::time::Instant;
use tracing::{info, warn};

use super::SupervisorActor;
use super::pressure::Pressure;
use super::table::{TaskEntry, TaskState};
use super::workers::Place;
use crate::subagent::{StopCause, Tally};
use crate::task::{Outcome, TaskId};

/// How often agents and workers are looked after.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// An agent that has not ended this long after it had to is given up: its Arbiter is blocked.
const GIVE_UP_AFTER: Duration = Duration::from_millis(1_500);

/// No incarnation has this number.
const NOBODY: u64 = 0;

/// An agent sits on a blocked worker and has lost the right to act: time for its successor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct MoveAgent {
    task: TaskId,
    generation: u64,
}

/// Somebody has looked at the machine.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct PressureSeen(Pressure);

impl SupervisorActor {
    /// One look at everything.
    pub(super) fn watch(&mut self, ctx: &mut Context<Self>) {
        self.look_at_machine(ctx);
        self.give_up_overdue(ctx);
        self.look_at_aggregator();
        for place in self.workers.look(Instant::now(), &ctx.address()) {
            self.evacuate(place, ctx);
        }
    }

    /// As long as tasks wait: may more of them run, or must fewer? The look itself may block, so not here.
    #[expect(clippy::disallowed_methods, reason = "one answer to one look, never two at a time")]
    fn look_at_machine(&mut self, ctx: &mut Context<Self>) {
        if self.looking || self.slots.queued() == 0 {
            return;
        }
        self.looking = true;
        let (sampler, supervisor) = (Arc::clone(&self.services.pressure), ctx.address());
        let look = move || supervisor.do_send(PressureSeen(sampler.sample()));
        drop(self.services.io.spawn_blocking(look)); // it reports by itself
    }

    /// Gives up agents that should have ended by now: their Arbiter is blocked. What they still do is ignored.
    fn give_up_overdue(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let overdue: Vec<(TaskId, Outcome, Tally)> = self
            .tasks
            .iter()
            .filter_map(|(task, entry)| {
                Some((*task, overdue_outcome(entry, now)?, entry.checkpoint.tally.clone()))
            })
            .collect();
        for (task, outcome, tally) in overdue {
            let is_begun = self.tasks.get(&task).is_some_and(|entry| entry.started.is_some());
            if is_begun {
                warn!(task_id = %task, "an agent did not stop in time and is given up");
                self.counters.given_up += 1;
            }
            if let Some(entry) = self.tasks.get(&task) {
                entry.stop.fire(StopCause::Deadline); // unless it was cancelled before
            }
            self.finish(task, outcome, tally, ctx);
        }
    }

    /// Takes the right to act from the agents of a blocked worker, and has them started elsewhere. What such an agent
    /// reported before it lost the right is in the mailbox already: the successor must start behind it, or it would
    /// repeat a tool call that has begun.
    #[expect(clippy::disallowed_methods, reason = "a lifecycle event that a full mailbox must not refuse")]
    fn evacuate(&self, place: Place, ctx: &mut Context<Self>) {
        for (task, entry) in &self.tasks {
            if matches!(entry.state, TaskState::Running { place: Some(at) } if at == place) {
                entry.acting.store(NOBODY, Ordering::SeqCst);
                ctx.address().do_send(MoveAgent { task: *task, generation: entry.generation });
            }
        }
    }
}

impl Handler<PressureSeen> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, PressureSeen(pressure): PressureSeen, ctx: &mut Self::Context) {
        self.looking = false;
        let before = self.limit.now();
        self.limit.look(&pressure, self.slots.running_most());
        self.slots.set_max(self.limit.now());
        let (now, shortage) = (self.limit.now(), self.limit.shortage());
        if now != before {
            info!(before, now, ?shortage, "the number of tasks that may run has changed");
        }
        self.dispatch(ctx);
    }
}

impl Handler<MoveAgent> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, MoveAgent { task, generation }: MoveAgent, ctx: &mut Self::Context) {
        if self.tasks.get(&task).is_some_and(|entry| entry.generation == generation) {
            self.counters.moved += 1;
            self.incarnate(task, ctx);
        }
    }
}

/// The ending of an agent that should have ended by itself.
fn overdue_outcome(entry: &TaskEntry, now: Instant) -> Option<Outcome> {
    let partial = || entry.checkpoint.tally.partial.clone();
    let stopping = entry.stopping_since.is_some_and(|since| now.duration_since(since) > GIVE_UP_AFTER);
    if entry.started.is_none() && entry.deadline.is_some_and(|deadline| deadline <= now) {
        return Some(Outcome::TimedOut { after: now.duration_since(entry.admitted), partial: partial() });
    }
    let allowed = entry.time_allowed();
    let time = allowed.saturating_add(GIVE_UP_AFTER);
    let late = entry.started.is_some_and(|started| now.duration_since(started) > time);
    // One that begins when that time is over already has no time of its own.
    let late_for_others = entry
        .deadline
        .is_some_and(|deadline| deadline.checked_add(GIVE_UP_AFTER).is_some_and(|latest| latest < now));
    match (stopping, late || late_for_others) {
        (true, _) => Some(Outcome::Cancelled { partial: partial() }),
        (false, true) => Some(Outcome::TimedOut { after: allowed, partial: partial() }),
        (false, false) => None,
    }
}
