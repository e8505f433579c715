//! The aggregator dies, or the supervisor itself: the one is replaced, with the other all tasks end at once.

use actix::{Actor, AsyncContext, Context, Handler};
use tokio::time::Instant;
use tracing::{error, warn};

use super::SupervisorActor;
use crate::aggregator::{AggregatorActor, AggregatorGone};
use crate::messages::Fail;
use crate::subagent::StopCause;

impl Handler<AggregatorGone> for SupervisorActor {
    type Result = ();

    /// What the dead aggregator had of open runs is lost with it, and so are reports that it had not read: nobody may
    /// wait for them. Whoever collects such a run is told that it is not open any longer, and has the supervisor's own
    /// reports of its tasks.
    fn handle(&mut self, _: AggregatorGone, ctx: &mut Context<Self>) {
        let policy = self.restart_policy();
        let restart = self.aggregator_restarts.restart_after(&policy, Instant::now(), &mut self.dice);
        let restarts = self.aggregator_restarts.total();
        let Some(wait) = restart else {
            self.counters.aggregators_given_up += 1;
            error!(restarts, "the aggregator dies again and again and is given up: runs cannot be collected");
            return;
        };
        self.counters.aggregators_restarted += 1;
        warn!(restarts, "the aggregator died and starts again; runs that were open are forgotten");
        ctx.run_later(wait, |actor, ctx| {
            let aggregator = AggregatorActor::new().reporting_to(ctx.address().recipient());
            actor.aggregator.replace(aggregator.start());
        });
    }
}

impl Handler<Fail> for SupervisorActor {
    type Result = ();

    #[expect(clippy::panic, reason = "that is what it is for")]
    fn handle(&mut self, _: Fail, _: &mut Context<Self>) {
        panic!("the supervisor was asked to fail");
    }
}

impl Drop for SupervisorActor {
    /// Nobody could restart an agent, record its steps or hear its ending from here on, so none goes on working. Their
    /// callers hear that the runtime is down, since nobody else can answer them. Never panics.
    fn drop(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        error!(tasks = self.tasks.len(), "the supervisor ended before its tasks: they stop");
        for (task, entry) in &self.tasks {
            entry.stop.fire(StopCause::Cancelled);
            self.board.remove(task);
        }
    }
}
