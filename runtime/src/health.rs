//! How much the runtime can take on, for hosts, people and the models that ask for tasks.

use codex_task_actors::{
    AskHealth, AskPlace, HealthState, Observe, ProviderHealth, Shortage, SupervisorCounters, TaskId,
};
use serde::Serialize;

use crate::handle::RuntimeHandle;

/// Slots, queue and providers at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RuntimeHealth {
    /// Whether the runtime answers at all: foreign code may block its control thread. Then nothing else is known.
    pub is_stalled: bool,
    /// Tasks that may run at once now: fewer than configured while the machine is short of something.
    pub slots: usize,
    /// What the machine was short of when it was last looked at.
    pub shortage: Shortage,
    /// Tasks that run.
    pub running: usize,
    /// Tasks that wait for a slot.
    pub queued: usize,
    /// Restarts so far of what had died: agents, provider actors, aggregators.
    pub restarts: u64,
    /// What died too often since the runtime started, and what did not stop when it had to.
    pub given_up: u64,
    /// The providers that were used so far.
    pub providers: Vec<ProviderHealth>,
}

impl RuntimeHandle {
    /// How much the runtime can take on now. Empty once it has stopped.
    pub async fn health(&self) -> RuntimeHealth {
        tokio::select! {
            biased;
            health = self.health_as_told() => health,
            () = self.shared.heartbeat.stalls() => RuntimeHealth { is_stalled: true, ..RuntimeHealth::default() },
        }
    }

    async fn health_as_told(&self) -> RuntimeHealth {
        let supervisor = self.supervisor();
        let counters = supervisor.send(Observe::<SupervisorCounters>::new()).await.unwrap_or_default();
        let providers = supervisor.send(AskHealth).await.unwrap_or_default();
        let SupervisorCounters { running, queued, running_max, shortage, .. } = counters;
        let restarts = counters.restarted + counters.gates_restarted + counters.aggregators_restarted;
        let given_up = counters.given_up + counters.gates_given_up + counters.aggregators_given_up;
        RuntimeHealth {
            is_stalled: false,
            slots: running_max,
            shortage,
            running,
            queued,
            restarts,
            given_up,
            providers,
        }
    }

    /// Tasks that go before this one; `None` when it does not wait for a slot.
    pub async fn place_in_queue(&self, task: TaskId) -> Option<usize> {
        self.supervisor().send(AskPlace { task }).await.unwrap_or_default()
    }
}

impl RuntimeHealth {
    /// Slots that no task holds.
    pub fn free_slots(&self) -> usize {
        self.slots.saturating_sub(self.running)
    }

    /// What a model should know before it asks for more: who is not ready, and why. Empty when all is well.
    pub fn trouble(&self) -> Vec<String> {
        let stalled = self.is_stalled.then(|| "the runtime is blocked and does not answer".to_owned());
        let ill = self.providers.iter().filter(|provider| provider.state != HealthState::Ready);
        let ill = ill.map(|provider| {
            let ProviderHealth { provider, state, waiting, reason, .. } = provider;
            let reason = reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let waiting = if *waiting > 0 { format!(", {waiting} calls wait") } else { String::new() };
            format!("{provider} is {state}{waiting}{reason}")
        });
        stalled.into_iter().chain(ill).collect()
    }

    /// The slots and the queue in a few words.
    pub fn slots_in_words(&self) -> String {
        let Self { slots, running, queued, .. } = self;
        format!("{running} of {slots} slots are in use, {queued} tasks wait")
    }
}
