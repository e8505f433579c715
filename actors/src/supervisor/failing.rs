//! The aggregator dies, or the supervisor itself: the one is replaced, with the other all tasks end at once.

use actix::{Actor, Context, Handler};
use tokio::time::Instant;
use tracing::{error, warn};

use super::SupervisorActor;
use crate::aggregator::AggregatorActor;
use crate::messages::Fail;
use crate::subagent::StopCause;

impl SupervisorActor {
    /// Replaces an aggregator that has died, unless that happens again and again. What the dead one had of open runs is
    /// lost with it, and so are endings that it had not read, so nobody may wait for them: whoever collects such a run is
    /// told that it is not open any longer. The supervisor's own replies have all of its tasks.
    pub(super) fn look_at_aggregator(&mut self) {
        if self.aggregator.is_taken() || self.counters.aggregators_given_up > 0 {
            return;
        }
        let policy = self.restart_policy();
        let restart = self.aggregator_restarts.restart_after(&policy, Instant::now(), &mut self.dice);
        let restarts = self.aggregator_restarts.total();
        // The time between two looks is wait enough: nobody is held up meanwhile.
        if restart.is_some() {
            self.counters.aggregators_restarted += 1;
            warn!(restarts, "the aggregator has died and is replaced; runs that were open are forgotten");
            self.aggregator.replace(AggregatorActor::new().start());
        } else {
            self.counters.aggregators_given_up += 1;
            error!(restarts, "the aggregator dies again and again and is given up: runs cannot be collected");
        }
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
        warn!(tasks = self.tasks.len(), "the supervisor ended before its tasks: they stop");
        for (task, entry) in &self.tasks {
            entry.stop.fire(StopCause::Cancelled);
            self.board.remove(task);
        }
    }
}
