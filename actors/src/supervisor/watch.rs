//! Looking after what does not look after itself: agents that do not end, and workers that do not answer.

use std::time::Duration;

use actix::{AsyncContext, Context};
use tokio::time::Instant;
use tracing::warn;

use super::SupervisorActor;
use super::table::{TaskEntry, TaskState};
use super::workers::Place;
use crate::subagent::Tally;
use crate::task::{Outcome, TaskId};

/// How often agents and workers are looked after.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// An agent that has not ended this long after it had to is given up: its Arbiter is blocked.
const GIVE_UP_AFTER: Duration = Duration::from_millis(1_500);

impl SupervisorActor {
    /// One look at everything.
    pub(super) fn watch(&mut self, ctx: &mut Context<Self>) {
        self.give_up_overdue(ctx);
        for place in self.workers.look(Instant::now(), &ctx.address()) {
            self.evacuate(place, ctx);
        }
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
            warn!(task_id = %task, "an agent did not stop in time and is given up");
            self.counters.given_up += 1;
            self.finish(task, outcome, tally, ctx);
        }
    }

    /// Starts the agents of a blocked worker elsewhere; what the blocked ones still do is ignored.
    fn evacuate(&mut self, place: Place, ctx: &mut Context<Self>) {
        let is_there =
            |entry: &TaskEntry| matches!(entry.state, TaskState::Running { place: Some(at) } if at == place);
        let stranded: Vec<TaskId> =
            self.tasks.iter().filter(|(_, entry)| is_there(entry)).map(|(task, _)| *task).collect();
        for task in stranded {
            self.counters.moved += 1;
            self.incarnate(task, ctx);
        }
    }
}

/// The ending of an agent that should have ended by itself.
fn overdue_outcome(entry: &TaskEntry, now: Instant) -> Option<Outcome> {
    let partial = || entry.checkpoint.tally.partial.clone();
    let stopping = entry.stopping_since.is_some_and(|since| now.duration_since(since) > GIVE_UP_AFTER);
    let late =
        entry.started.is_some_and(|started| now.duration_since(started) > entry.plan.timeout + GIVE_UP_AFTER);
    match (stopping, late) {
        (true, _) => Some(Outcome::Cancelled { partial: partial() }),
        (false, true) => Some(Outcome::TimedOut { after: entry.plan.timeout, partial: partial() }),
        (false, false) => None,
    }
}
