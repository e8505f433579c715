//! The callers of the models that a vendor counts together: their queue, and everything that can hold them up.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use codex_task_providers::ProviderError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::breaker::{Breaker, Passage, Standing};
use super::closure::Closure;
use super::pause::Pause;
use super::permit::{CallShape, Permit, Refusal, RefusalCause};
use super::ramp::{Ramp, RateMeter};
use super::rates::{Amounts, Rates};
use super::warm_gate::{HOLD_MAX, Turn, WarmGate};
use super::window::Window;
use crate::dice::Dice;
use crate::task::Priority;

/// A caller's place: the highest priority first, within it the one that came first.
pub(super) type Place = (Reverse<Priority>, u64);

/// A caller in the queue.
pub(super) struct Waiter {
    /// A pause that ends later is not waited for.
    pub(super) leaves_at: Instant,
    pub(super) call: CallShape,
    /// Until when it waits for another call to write the cache; set when it first does.
    pub(super) held_until: Option<Instant>,
    pub(super) reply: oneshot::Sender<Result<Permit, Refusal>>,
}

impl Waiter {
    /// Sends the caller away.
    pub(super) fn refuse(self, refusal: Refusal) {
        let _ = self.reply.send(Err(refusal)); // a caller that left needs no answer
    }
}

/// Whether the first caller of a lane can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// Not before.
    At(Instant),
    /// Not before another call has ended.
    Blocked,
}

/// What is taken for a call that goes.
pub(super) struct Taken {
    pub(super) waiter: Waiter,
    pub(super) reserved: Amounts,
    pub(super) leads: Option<Arc<str>>,
    pub(super) is_probe: bool,
}

/// See the module.
pub(super) struct Lane {
    pub(super) class: Arc<str>,
    waiting: BTreeMap<Place, Waiter>,
    pub(super) in_flight: usize,
    pub(super) window: Window,
    pub(super) pause: Option<Pause>,
    /// Pauses in a row without an answer between them.
    pub(super) pauses: u32,
    pub(super) breaker: Breaker,
    pub(super) rates: Rates,
    meter: RateMeter,
    pub(super) ramp: Option<Ramp>,
    pub(super) warm: WarmGate<(Place, Waiter)>,
    pub(super) closure: Option<Closure>,
    /// Calls in a row that were forbidden.
    pub(super) forbidden: u32,
    /// The provider's words when it failed last.
    pub(super) last_failure: Option<ProviderError>,
    /// Calls whose answer has begun.
    pub(super) begun: HashSet<u64>,
}

impl Lane {
    pub(super) fn new(class: Arc<str>, in_flight_max: usize, rates: Rates, now: Instant) -> Self {
        Self {
            class,
            waiting: BTreeMap::new(),
            in_flight: 0,
            window: Window::new(in_flight_max),
            pause: None,
            pauses: 0,
            breaker: Breaker::new(now),
            rates,
            meter: RateMeter::new(now),
            ramp: None,
            warm: WarmGate::new(),
            closure: None,
            forbidden: 0,
            last_failure: None,
            begun: HashSet::new(),
        }
    }

    /// Takes a caller in.
    pub(super) fn queue(&mut self, place: Place, waiter: Waiter) {
        self.waiting.insert(place, waiter);
    }

    /// The first caller's place, and whether it can go. Callers that left are forgotten; those that only wait for another
    /// call to write the cache stand aside.
    pub(super) fn first(&mut self, now: Instant) -> Option<(Place, Readiness)> {
        let place = loop {
            let first = self.waiting.first_entry()?;
            if first.get().reply.is_closed() {
                first.remove();
                continue;
            }
            let must_wait = first.get().call.prefix.as_ref().is_some_and(|prefix| {
                let is_over = first.get().held_until.is_some_and(|until| until <= now);
                !is_over && self.warm.turn(&prefix.key, now) == Turn::Waits
            });
            if !must_wait {
                break *first.key();
            }
            let (place, waiter) = first.remove_entry();
            self.stand_aside(place, waiter, now);
        };
        Some((place, self.readiness(now)))
    }

    fn stand_aside(&mut self, place: Place, mut waiter: Waiter, now: Instant) {
        waiter.held_until.get_or_insert(now + HOLD_MAX);
        let key = waiter.call.prefix.as_ref().map(|prefix| Arc::clone(&prefix.key)).unwrap_or_default();
        if let Some((place, waiter)) = self.warm.hold(&key, (place, waiter)) {
            self.waiting.insert(place, waiter);
        }
    }

    fn readiness(&mut self, now: Instant) -> Readiness {
        if let Some(pause) = &self.pause {
            if pause.until > now {
                return Readiness::At(pause.until);
            }
            self.pause = None;
        }
        match self.breaker.passage(now) {
            Passage::Free | Passage::Probe => {}
            Passage::Probing => return Readiness::Blocked,
            Passage::Shut(until) => return Readiness::At(until),
        }
        if self.in_flight >= self.window.size() {
            return Readiness::Blocked;
        }
        let ramp = self.ramp.as_mut().map(|ramp| ramp.wait(now));
        if ramp == Some(None) {
            self.ramp = None;
        }
        let Some((_, first)) = self.waiting.first_key_value() else { return Readiness::Blocked };
        let amounts = amounts(&self.rates, &self.warm, &first.call, now);
        let wait = self.rates.wait(amounts, now).max(ramp.flatten().unwrap_or_default());
        if wait.is_zero() { Readiness::Ready } else { Readiness::At(now + wait) }
    }

    /// The first caller goes.
    pub(super) fn take_first(&mut self, now: Instant) -> Option<Taken> {
        let (_, waiter) = self.waiting.pop_first()?;
        let reserved = amounts(&self.rates, &self.warm, &waiter.call, now);
        self.rates.reserve(reserved, now);
        self.meter.count(now);
        if let Some(ramp) = &mut self.ramp {
            ramp.take(now);
        }
        let is_probe = self.breaker.passage(now) == Passage::Probe;
        if is_probe {
            self.breaker.probe();
        }
        let leads = waiter.call.prefix.as_ref().and_then(|prefix| self.use_prefix(&prefix.key, now));
        self.in_flight += 1;
        Some(Taken { waiter, reserved, leads, is_probe })
    }

    /// The prefix, if this call is the first to write it.
    fn use_prefix(&mut self, key: &Arc<str>, now: Instant) -> Option<Arc<str>> {
        match self.warm.turn(key, now) {
            Turn::Writes => {
                self.warm.begin(key, now);
                Some(Arc::clone(key))
            }
            Turn::Reads => {
                self.warm.warmed(key, now); // reading keeps it for longer; nobody waits for it
                None
            }
            Turn::Waits => None,
        }
    }

    /// Callers that stood aside are in the queue again, each at its own place.
    pub(super) fn requeue(&mut self, waiters: Vec<(Place, Waiter)>) {
        self.waiting.extend(waiters);
    }

    /// Those who waited for the cache for as long as anybody does are in the queue again.
    pub(super) fn requeue_overdue(&mut self, now: Instant) {
        let is_over = |(_, waiter): &mut (Place, Waiter)| waiter.held_until.is_some_and(|until| until <= now);
        let overdue = self.warm.take_if(is_over);
        self.requeue(overdue);
    }

    /// When somebody has waited for the cache for long enough.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.warm.waiting().filter_map(|(_, waiter)| waiter.held_until).min()
    }

    /// Callers that wait and have not left.
    pub(super) fn waiting(&self) -> usize {
        let aside = self.warm.waiting().map(|(_, waiter)| waiter);
        self.waiting.values().chain(aside).filter(|waiter| !waiter.reply.is_closed()).count()
    }

    /// Why a caller is not to wait here.
    pub(super) fn refusal(&self, waiter: &Waiter, now: Instant) -> Option<Refusal> {
        if let Some(closure) = self.closure.as_ref().filter(|closure| closure.until > now) {
            return Some(closure.refusal());
        }
        if let Some(pause) = self.pause.as_ref().filter(|pause| pause.until > waiter.leaves_at) {
            return Some(Refusal { cause: RefusalCause::Paused, error: pause.error(now) });
        }
        let until = match self.breaker.passage(now) {
            Passage::Shut(until) => until,
            Passage::Probing if waiter.call.standing == Standing::HasAnother => now,
            Passage::Free | Passage::Probe | Passage::Probing => return None,
        };
        Some(Refusal { cause: RefusalCause::Failing, error: self.failing(until, now) })
    }

    fn failing(&self, until: Instant, now: Instant) -> ProviderError {
        let left = until.saturating_duration_since(now);
        let last = self.last_failure.as_ref().map(ToString::to_string).unwrap_or_default();
        let detail =
            format!("its last {} calls failed, so no more are made for now ({last})", self.breaker.row());
        ProviderError::Overloaded { retry_after: Some(left), detail }
    }

    /// Sends those away who are not to wait any longer.
    pub(super) fn turn_away(&mut self, now: Instant) {
        for (place, waiter) in self.take_all() {
            match self.refusal(&waiter, now) {
                Some(refusal) => waiter.refuse(refusal),
                None => _ = self.waiting.insert(place, waiter),
            }
        }
    }

    /// Sends everybody away.
    pub(super) fn dismiss(&mut self, closure: &Closure) {
        for (_, waiter) in self.take_all() {
            waiter.refuse(closure.refusal());
        }
    }

    fn take_all(&mut self) -> Vec<(Place, Waiter)> {
        let aside = self.warm.take_if(|_| true);
        std::mem::take(&mut self.waiting).into_iter().chain(aside).collect()
    }

    /// The provider throttles. Calls that were in flight together are throttled together: that counts once.
    pub(super) fn throttled(&mut self, pause: Pause, grows_too_fast: bool, now: Instant) {
        if self.pause.as_ref().is_none_or(|pause| pause.until <= now) {
            self.window.throttled(self.in_flight + 1);
            self.pauses = self.pauses.saturating_add(1);
            if grows_too_fast {
                self.ramp = Some(Ramp::below(self.meter.per_minute(now), now));
            }
        }
        if self.pause.as_ref().is_none_or(|present| present.until < pause.until) {
            self.pause = Some(pause);
            self.turn_away(now);
        }
    }

    /// The provider failed. Returns whether calls stop with this.
    pub(super) fn failed(
        &mut self,
        error: &ProviderError,
        standing: Standing,
        (now, dice): (Instant, &mut Dice),
    ) -> bool {
        let spread = dice.between(-1.0, 1.0);
        self.last_failure = Some(error.clone());
        let opened = self.breaker.failed(standing, spread, now);
        if opened {
            self.turn_away(now);
        }
        opened
    }
}

/// What a call would take, the shared beginning of its prompt included unless the cache has that.
fn amounts(rates: &Rates, warm: &WarmGate<(Place, Waiter)>, call: &CallShape, now: Instant) -> Amounts {
    let shared = match &call.prefix {
        Some(prefix) if warm.turn(&prefix.key, now) == Turn::Reads => prefix.tokens,
        Some(_) | None => 0,
    };
    rates.estimate(call.prompt_tokens, call.cached_tokens.max(shared), call.output_max)
}
