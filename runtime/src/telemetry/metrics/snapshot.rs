//! How the supervisor and the providers are at the moment of a question.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix::Addr;
use codex_task_actors::{
    AskHealth, HealthState, ListProviders, Observe, ProviderCounters, ProviderHealth, SupervisorActor,
    SupervisorCounters,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::figures::{Labels, PREFIX};

/// Longest wait for an actor: figures that were counted are told without it, too.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// The states of a provider.
const STATES: [&str; 6] = ["ready", "recovering", "paused", "failing", "closed", "down"];

type Counters = Family<Labels<1>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// What the actors say.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    supervisor: Option<SupervisorCounters>,
    health: Vec<ProviderHealth>,
    providers: Vec<ProviderCounters>,
}

impl Snapshot {
    /// Asks the actors. What they do not say in time is absent.
    pub(crate) async fn take(supervisor: &Addr<SupervisorActor>) -> Self {
        let asked = async {
            tokio::join!(
                supervisor.send(Observe::<SupervisorCounters>::new()),
                supervisor.send(AskHealth),
                supervisor.send(ListProviders),
            )
        };
        let Ok((supervisor, health, providers)) = tokio::time::timeout(WAIT_MAX, asked).await else {
            return Self::default();
        };
        Self {
            supervisor: supervisor.ok(),
            health: health.unwrap_or_default(),
            providers: providers.unwrap_or_default(),
        }
    }

    /// The snapshot as figures.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        if let Some(counters) = &self.supervisor {
            tasks(&mut registry, counters);
        }
        health(&mut registry, &self.health);
        admissions(&mut registry, &self.providers);
        registry
    }
}

fn tasks(registry: &mut Registry, counters: &SupervisorCounters) {
    for (name, help, number) in [
        ("tasks_running", "Tasks that hold a slot", counters.running),
        ("tasks_queued", "Tasks that wait for a slot", counters.queued),
        ("task_slots", "Tasks that may run at once now", counters.running_max),
    ] {
        registry.register(name, help, gauge(number));
    }
    let restarts = Counters::default();
    for (what, number) in [
        ("agent", counters.restarted),
        ("moved_agent", counters.moved),
        ("provider", counters.gates_restarted),
        ("aggregator", counters.aggregators_restarted),
    ] {
        restarts.get_or_create(&[("what", what.into())]).inc_by(number);
    }
    registry.register("restarts", "Actors that died and were started again", restarts);
    registry.register("agents_given_up", "Agents that did not stop in time", counter(counters.given_up));
}

fn health(registry: &mut Registry, providers: &[ProviderHealth]) {
    let (states, in_flight, waiting) =
        (Gauges::<2>::default(), Gauges::<1>::default(), Gauges::<1>::default());
    let left = Family::<Labels<1>, Gauge<f64, AtomicU64>>::default();
    for health in providers {
        let provider = label(health.provider.as_str());
        let (present, left_ms) = state(health.state);
        for state in STATES {
            let labels = [provider.clone(), ("state", state.into())];
            states.get_or_create(&labels).set(i64::from(state == present));
        }
        let labels = [provider];
        in_flight.get_or_create(&labels).set(number(health.in_flight));
        waiting.get_or_create(&labels).set(number(health.waiting));
        left.get_or_create(&labels).set(Duration::from_millis(left_ms).as_secs_f64());
    }
    registry.register("provider_state", "1 for the state that a provider is in", states);
    registry.register("provider_pause_seconds", "Time until a provider is called again", left);
    registry.register("provider_calls_in_flight", "Requests that are under way", in_flight);
    registry.register("provider_calls_waiting", "Callers that wait for a permit", waiting);
}

fn admissions(registry: &mut Registry, providers: &[ProviderCounters]) {
    let of = |read: fn(&ProviderCounters) -> u64| {
        let counters = Counters::default();
        for provider in providers {
            counters.get_or_create(&[label(provider.provider.as_str())]).inc_by(read(provider));
        }
        counters
    };
    registry.register(
        "provider_throttled",
        "Requests that were throttled",
        of(|counters| counters.throttled),
    );
    registry.register("provider_refused", "Callers that got no permit", of(|counters| counters.refused));
    registry.register(
        "provider_breaker_opened",
        "Times that a provider failed again and again, and was left alone for a while",
        of(|counters| counters.opened),
    );
}

fn state(state: HealthState) -> (&'static str, u64) {
    match state {
        HealthState::Ready => ("ready", 0),
        HealthState::Recovering => ("recovering", 0),
        HealthState::Paused { left_ms } => ("paused", left_ms),
        HealthState::Failing { left_ms } => ("failing", left_ms),
        HealthState::Closed { left_ms } => ("closed", left_ms),
        HealthState::Down => ("down", 0),
    }
}

fn label(provider: &str) -> (&'static str, Arc<str>) {
    ("provider", provider.into())
}

fn gauge(value: usize) -> Gauge {
    let gauge: Gauge = Gauge::default();
    gauge.set(number(value));
    gauge
}

fn counter(value: u64) -> Counter {
    let counter: Counter = Counter::default();
    counter.inc_by(value);
    counter
}

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
