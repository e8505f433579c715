//! How providers are, for people, programs and models.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::ProviderName;
use serde::Serialize;
use tokio::time::Instant;

use super::breaker::Passage;
use super::closure::Closure;
use super::lane::Lane;
use super::ramp::Ramp;
use super::rates::LimitsHealth;

/// How a provider is, or one class of its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HealthState {
    /// Calls go through.
    Ready,
    /// It throttles: calls wait.
    Paused {
        /// Time until they go on, in milliseconds.
        left_ms: u64,
    },
    /// It failed again and again: no calls are made for a while.
    Failing {
        /// Time until one finds out whether it is well again, in milliseconds.
        left_ms: u64,
    },
    /// One call finds out just now whether it is well again.
    Recovering,
    /// Its actor has died: another one starts soon, unless that has happened too often.
    Down,
    /// It does not accept the key, or there is no money left.
    Closed {
        /// Time until it is tried again, in milliseconds.
        left_ms: u64,
    },
}

/// How one provider is. The worst of its classes decides its own state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProviderHealth {
    /// The provider.
    pub provider: ProviderName,
    /// How it is.
    #[serde(flatten)]
    pub state: HealthState,
    /// Why, where it is not ready: the provider's own words.
    pub reason: Option<String>,
    /// Calls in flight now.
    pub in_flight: usize,
    /// Calls that could begin now.
    pub free: usize,
    /// Callers that wait.
    pub waiting: usize,
    /// Its classes of models that were used so far.
    pub classes: Vec<ClassHealth>,
}

/// How the models are that the vendor counts together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassHealth {
    /// The vendor's name for them.
    pub class: Arc<str>,
    /// How they are.
    #[serde(flatten)]
    pub state: HealthState,
    /// Why, where they are not ready.
    pub reason: Option<String>,
    /// Calls in flight now.
    pub in_flight: usize,
    /// Calls that may be in flight at most for now.
    pub in_flight_max: usize,
    /// Callers that wait.
    pub waiting: usize,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// Calls per minute that the provider asked to stay below, after calls grew too fast for it.
    pub calls_per_minute_max: Option<f64>,
    /// What is left of its limits.
    pub limits: LimitsHealth,
}

impl ProviderHealth {
    /// How a provider is whose classes are so, with so many calls in flight and as many more possible.
    pub(super) fn of(
        provider: &ProviderName,
        closure: Option<&Closure>,
        lanes: &[Lane],
        (in_flight, free): (usize, usize),
        now: Instant,
    ) -> Self {
        let classes: Vec<ClassHealth> = lanes.iter().map(|lane| ClassHealth::of(lane, now)).collect();
        let closed = closure.filter(|closure| closure.until > now);
        let worst = classes.iter().max_by_key(|class| class.state.rank());
        let (state, reason) = match (closed, worst) {
            (Some(closure), _) => closed_by(closure, now),
            (None, Some(worst)) => (worst.state, worst.reason.clone()),
            (None, None) => (HealthState::Ready, None),
        };
        let waiting = classes.iter().map(|class| class.waiting).sum();
        let free = if state == HealthState::Ready { free } else { 0 };
        Self { provider: provider.clone(), state, reason, in_flight, free, waiting, classes }
    }
}

impl ProviderHealth {
    /// How a provider is whose actor does not answer.
    pub(crate) fn down(provider: ProviderName) -> Self {
        Self {
            provider,
            state: HealthState::Down,
            reason: Some("the actor that admits its calls has died".to_owned()),
            in_flight: 0,
            free: 0,
            waiting: 0,
            classes: Vec::new(),
        }
    }
}

impl ClassHealth {
    fn of(lane: &Lane, now: Instant) -> Self {
        let (state, reason) = state_of(lane, now);
        Self {
            class: Arc::clone(&lane.class),
            state,
            reason,
            in_flight: lane.in_flight,
            in_flight_max: lane.window.size(),
            waiting: lane.waiting(),
            failures_in_a_row: lane.breaker.row(),
            calls_per_minute_max: lane.ramp.as_ref().map(Ramp::per_minute),
            limits: lane.rates.health(now),
        }
    }
}

fn closed_by(closure: &Closure, now: Instant) -> (HealthState, Option<String>) {
    (HealthState::Closed { left_ms: millis(closure.until, now) }, Some(closure.error.to_string()))
}

fn state_of(lane: &Lane, now: Instant) -> (HealthState, Option<String>) {
    if let Some(closure) = lane.closure.as_ref().filter(|closure| closure.until > now) {
        return closed_by(closure, now);
    }
    let last = || lane.last_failure.as_ref().map(ToString::to_string);
    match lane.breaker.passage(now) {
        Passage::Shut(until) => return (HealthState::Failing { left_ms: millis(until, now) }, last()),
        Passage::Probe | Passage::Probing => return (HealthState::Recovering, last()),
        Passage::Free => {}
    }
    match lane.pause.as_ref().filter(|pause| pause.until > now) {
        Some(pause) => {
            let left_ms = millis(pause.until, now);
            (HealthState::Paused { left_ms }, Some(pause.error(now).to_string()))
        }
        None => (HealthState::Ready, None),
    }
}

fn millis(until: Instant, now: Instant) -> u64 {
    u64::try_from(until.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX)
}

impl HealthState {
    /// How bad it is.
    fn rank(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Recovering => 1,
            Self::Paused { .. } => 2,
            Self::Failing { .. } => 3,
            Self::Closed { .. } => 4,
            Self::Down => 5,
        }
    }
}

impl fmt::Display for HealthState {
    /// `paused by the provider for 12 s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64().ceil();
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Recovering => f.write_str("being tried again after failures"),
            Self::Down => f.write_str("down"),
            Self::Paused { left_ms } => write!(f, "paused by the provider for {} s", seconds(*left_ms)),
            Self::Failing { left_ms } => write!(f, "failing, tried again in {} s", seconds(*left_ms)),
            Self::Closed { left_ms } => write!(f, "closed, tried again in {} s", seconds(*left_ms)),
        }
    }
}
