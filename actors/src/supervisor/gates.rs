//! Provider actors that die: started again with backoff, and given up when that happens again and again. Their callers
//! are told each time, try again, and go on with the next route where there is one.

use actix::{AsyncContext, Context, Handler};
use codex_task_config::ProviderName;
use tokio::time::Instant;
use tracing::{error, warn};

use super::SupervisorActor;
use crate::messages::Fail;
use crate::provider::{FailProvider, ProviderGone};

impl SupervisorActor {
    /// Starts the actor of a provider again, after its backoff.
    fn restart_gate(&mut self, provider: ProviderName, ctx: &mut Context<Self>) {
        let policy = self.restart_policy();
        let history = self.gate_restarts.entry(provider.clone()).or_default();
        let restart = history.restart_after(&policy, Instant::now(), &mut self.dice);
        let restarts = history.total();
        let Some(wait) = restart else {
            self.counters.gates_given_up += 1;
            error!(%provider, restarts, "a provider's actor dies again and again and is given up: its calls fail");
            return;
        };
        self.counters.gates_restarted += 1;
        warn!(%provider, restarts, "a provider's actor died and starts again");
        ctx.run_later(wait, move |actor, _| actor.planner.restart_gate(&provider));
    }
}

impl Handler<ProviderGone> for SupervisorActor {
    type Result = ();

    fn handle(&mut self, ProviderGone { provider }: ProviderGone, ctx: &mut Context<Self>) {
        self.restart_gate(provider, ctx);
    }
}

impl Handler<FailProvider> for SupervisorActor {
    type Result = bool;

    fn handle(&mut self, FailProvider { provider }: FailProvider, _: &mut Context<Self>) -> Self::Result {
        let gate = self.planner.gate(&provider);
        gate.map(|gate| gate.tell(Fail)).is_some()
    }
}
