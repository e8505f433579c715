//! One actor per key of a provider. It decides admission only: who may call now, who waits, in which order. It owns the
//! number of calls in flight, the queues, and what is known of the provider's limits and health. It never sees a request
//! or an answer: the stream goes from the backend to the agent past it. The supervisor starts it with the first task
//! that needs it; it ends with the runtime.

use std::cmp::Reverse;
use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, MessageResult, SpawnHandle};
use codex_task_config::{ProviderKind, ProviderName, RateSettings, TokenUsage};
use codex_task_providers::{ProviderError, RateLimits};
use serde::Serialize;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::closure::{Closure, FORBIDDEN_MAX, Reach};
use super::gate::GateWatch;
use super::health::ProviderHealth;
use super::lane::{Lane, Readiness, Taken, Waiter};
use super::pause::Pause;
use super::permit::{Acquire, Begun, CallVerdict, Permit, Quotas, Release, Ticket};
use super::rates::{Amounts, CacheReads, Rates};
use super::retry_budget::RetryBudget;
use crate::dice::Dice;
use crate::messages::{Fail, Observe};
use crate::own_addr::OwnAddr;

/// What a gate is made for.
#[derive(Clone, Debug)]
pub(crate) struct GateSettings {
    /// The provider.
    pub(crate) provider: ProviderName,
    /// Its wire format: vendors count differently.
    pub(crate) kind: ProviderKind,
    /// Most calls in flight: an obligatory cap, or sockets run out.
    pub(crate) in_flight_max: usize,
    /// What the user says that it takes in a minute.
    pub(crate) limits: RateSettings,
}

/// See the module.
pub struct ProviderActor {
    settings: GateSettings,
    /// Permits that are out.
    in_flight: usize,
    /// One for each class of models. Never taken out: permits know their place.
    lanes: Vec<Lane>,
    /// Set when the provider does not accept the key.
    closure: Option<Closure>,
    retries: RetryBudget,
    dice: Dice,
    /// Number of the next caller.
    next: u64,
    /// The one timer: rings when somebody can go, or has waited for long enough.
    alarm: Option<(Instant, SpawnHandle)>,
    counters: ProviderCounters,
    /// Tells the supervisor when this actor is gone.
    watch: Option<GateWatch>,
    own: OwnAddr<Self>,
}

/// What a provider actor has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderCounters {
    /// The provider.
    pub provider: ProviderName,
    /// Calls that are in flight now.
    pub in_flight: usize,
    /// Callers that wait now.
    pub waiting: usize,
    /// Permits given out.
    pub admitted: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were throttled; counted in `failed` too.
    pub throttled: u64,
    /// Callers that were sent away without a call.
    pub refused: u64,
    /// Times that calls were stopped because the provider failed again and again.
    pub opened: u64,
    /// The limits that the provider stated last.
    #[serde(skip)]
    pub rates: RateLimits,
}

impl ProviderActor {
    /// A gate that lets calls through as these settings say.
    pub(crate) fn new(settings: GateSettings, dice: Dice) -> Self {
        let counters = ProviderCounters {
            provider: settings.provider.clone(),
            in_flight: 0,
            waiting: 0,
            admitted: 0,
            answered: 0,
            failed: 0,
            throttled: 0,
            refused: 0,
            opened: 0,
            rates: RateLimits::default(),
        };
        Self {
            in_flight: 0,
            lanes: Vec::new(),
            closure: None,
            retries: RetryBudget::new(Instant::now()),
            dice,
            next: 0,
            alarm: None,
            counters,
            watch: None,
            own: OwnAddr::default(),
            settings,
        }
    }

    /// The same, with somebody who is told when it is gone.
    pub(crate) fn watched(mut self, watch: GateWatch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// The index of a class's lane, made when it is first asked for.
    fn lane(&mut self, class: &Arc<str>, now: Instant) -> usize {
        if let Some(index) = self.lanes.iter().position(|lane| lane.class == *class) {
            return index;
        }
        let reads = match self.settings.kind {
            ProviderKind::Anthropic => CacheReads::Free,
            ProviderKind::OpenAi
            | ProviderKind::OpenAiChat
            | ProviderKind::Gemini
            | ProviderKind::Scripted => CacheReads::Counted,
        };
        let rates = Rates::new(self.settings.limits, reads, now);
        self.lanes.push(Lane::new(Arc::clone(class), self.settings.in_flight_max.max(1), rates, now));
        self.lanes.len() - 1
    }

    /// Gives permits to waiting callers while there are any: of those who could go, always the one that is first. Sets
    /// the alarm for the rest.
    fn admit(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let mut wake: Option<Instant>;
        loop {
            wake = None;
            let mut ready = None;
            for (index, lane) in self.lanes.iter_mut().enumerate() {
                match lane.first(now) {
                    Some((place, Readiness::Ready)) if ready.is_none_or(|(best, _)| place < best) => {
                        ready = Some((place, index));
                    }
                    Some((_, Readiness::At(at))) => wake = earlier(wake, Some(at)),
                    Some((_, Readiness::Ready | Readiness::Blocked)) | None => {}
                }
            }
            let Some((_, index)) = ready.filter(|_| self.in_flight < self.settings.in_flight_max.max(1))
            else {
                break;
            };
            self.grant(index, now, ctx);
        }
        let held = self.lanes.iter().filter_map(Lane::held_until).min();
        self.set_alarm(earlier(wake, held), now, ctx);
    }

    fn grant(&mut self, index: usize, now: Instant, ctx: &mut Context<Self>) {
        let Some(Taken { waiter, reserved, leads, is_probe }) =
            self.lanes.get_mut(index).and_then(|lane| lane.take_first(now))
        else {
            return;
        };
        self.in_flight += 1;
        self.counters.admitted += 1;
        let ticket = Ticket {
            id: self.counters.admitted,
            lane: index,
            reserved,
            attempt: waiter.call.attempt,
            standing: waiter.call.standing,
            leads,
            is_probe,
        };
        // A receiver that closes just now hands the permit back, and its drop releases it.
        let _ = waiter.reply.send(Ok(Permit::new(self.own.get(ctx), ticket)));
    }

    fn set_alarm(&mut self, at: Option<Instant>, now: Instant, ctx: &mut Context<Self>) {
        let Some(at) = at else { return };
        if self.alarm.is_some_and(|(present, _)| present <= at) {
            return;
        }
        if let Some((_, late)) = self.alarm.take() {
            ctx.cancel_future(late);
        }
        let handle = ctx.run_later(at.saturating_duration_since(now), |gate, ctx| {
            gate.alarm = None;
            let now = Instant::now();
            gate.lanes.iter_mut().for_each(|lane| lane.requeue_overdue(now));
            gate.admit(ctx);
        });
        self.alarm = Some((at, handle));
    }

    /// Takes back what a call had, and learns from it.
    fn take_back(&mut self, release: Release, now: Instant) {
        let Release { ticket, verdict, usage } = release;
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(ticket.lane) else { return };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        let has_begun = lane.begun.remove(&ticket.id);
        if !has_begun {
            lane.rates.seen(ticket.reserved);
        }
        lane.rates.settle(ticket.reserved, used(&lane.rates, &verdict, &usage), now);
        if let Some(key) = ticket.leads.as_ref().filter(|_| !has_begun) {
            let waiting = match verdict {
                CallVerdict::Answered => lane.warm.warmed(key, now),
                CallVerdict::Failed(_) | CallVerdict::Abandoned => lane.warm.failed(key),
            };
            lane.requeue(waiting);
        }
        match verdict {
            CallVerdict::Answered => {
                self.counters.answered += 1;
                lane.pauses = 0;
                lane.window.answered();
                lane.breaker.answered(now);
                lane.closure = None;
                lane.forbidden = 0;
                lane.rates.note_output(usage.output_tokens);
                self.closure = None;
                self.retries.succeeded(ticket.attempt);
            }
            CallVerdict::Failed(error) => self.note_failure(&error, &ticket, now),
            CallVerdict::Abandoned => debug!(provider = %self.settings.provider, "a permit came back unused"),
        }
        if ticket.is_probe
            && let Some(lane) = self.lanes.get_mut(ticket.lane)
        {
            lane.breaker.probe_lost(now); // unless the verdict has decided it
        }
    }

    fn note_failure(&mut self, error: &ProviderError, ticket: &Ticket, now: Instant) {
        self.counters.failed += 1;
        // A scenario has no key that could be wrong: what it fails one agent with says nothing about the next.
        let closing = Closure::of(error, now).filter(|_| self.settings.kind != ProviderKind::Scripted);
        let closing = closing.filter(|_| !self.is_first_forbidden(error, ticket.lane));
        if let Some((reach, closure)) = closing {
            return self.close(reach, closure, ticket.lane, now);
        }
        let provider = &self.settings.provider;
        let Some(lane) = self.lanes.get_mut(ticket.lane) else { return };
        match error {
            ProviderError::RateLimited { retry_after, detail } => {
                self.counters.throttled += 1;
                let pause = Pause::new(*retry_after, lane.pauses, detail, (now, &mut self.dice));
                let pause_ms = pause.until.saturating_duration_since(now).as_millis();
                warn!(%provider, class = %lane.class, pause_ms, "provider throttles: all its callers wait");
                lane.throttled(pause, error.grows_too_fast(), now);
            }
            error if error.is_outage() => {
                let opened = lane.failed(error, ticket.standing, (now, &mut self.dice));
                self.counters.opened += u64::from(opened);
                if opened {
                    warn!(%provider, class = %lane.class, %error, "provider fails again and again: calls are stopped");
                }
            }
            // The provider works: it was asked for something that it does not do.
            _ if ticket.is_probe => lane.breaker.answered(now),
            _ => {}
        }
    }

    /// Whether a call was forbidden and the one before it was not.
    fn is_first_forbidden(&mut self, error: &ProviderError, lane: usize) -> bool {
        let is_forbidden = matches!(error, ProviderError::Unauthorized { status: 403, .. });
        let Some(lane) = self.lanes.get_mut(lane).filter(|_| is_forbidden) else { return false };
        lane.forbidden += 1;
        lane.forbidden < FORBIDDEN_MAX
    }

    /// Says once, for everybody, that calls are in vain.
    fn close(&mut self, reach: Reach, closure: Closure, lane: usize, now: Instant) {
        let provider = &self.settings.provider;
        let known = match reach {
            Reach::Key => self.closure.as_ref(),
            Reach::Class => self.lanes.get(lane).and_then(|lane| lane.closure.as_ref()),
        };
        if known.is_some_and(|known| known.until > now) {
            return;
        }
        warn!(%provider, error = %closure.error, "provider is closed to all its callers for now");
        match reach {
            Reach::Key => {
                self.lanes.iter_mut().for_each(|lane| lane.dismiss(&closure));
                self.closure = Some(closure);
            }
            Reach::Class => {
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.dismiss(&closure);
                    lane.closure = Some(closure);
                }
            }
        }
    }
}

/// What a call has used of the limits, as far as anybody knows.
fn used(rates: &Rates, verdict: &CallVerdict, usage: &TokenUsage) -> Amounts {
    match verdict {
        // What was refused, or never came there, is not counted.
        CallVerdict::Failed(ProviderError::RateLimited { .. } | ProviderError::Unreachable { .. }) => {
            Amounts::default()
        }
        CallVerdict::Answered | CallVerdict::Failed(_) | CallVerdict::Abandoned => rates.counted(usage),
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

impl Actor for ProviderActor {
    type Context = Context<Self>;
}

impl Handler<Acquire> for ProviderActor {
    type Result = ();

    fn handle(&mut self, caller: Acquire, ctx: &mut Self::Context) {
        let now = Instant::now();
        let Acquire { priority, patience, call, reply } = caller;
        let index = self.lane(&call.class, now);
        let place = (Reverse(priority), self.next);
        self.next += 1;
        let attempt = call.attempt;
        let waiter = Waiter { leaves_at: now + patience, call, held_until: None, reply };
        let Some(lane) = self.lanes.get_mut(index) else { return };
        let closed = self.closure.as_ref().filter(|closure| closure.until > now);
        let refusal = closed
            .map(Closure::refusal)
            .or_else(|| lane.refusal(&waiter, now))
            .or_else(|| (!self.retries.allow(attempt, now)).then(RetryBudget::refusal));
        match refusal {
            Some(refusal) => {
                self.counters.refused += 1;
                waiter.refuse(refusal);
            }
            None => lane.queue(place, waiter),
        }
        self.admit(ctx);
    }
}

impl Handler<Begun> for ProviderActor {
    type Result = ();

    fn handle(&mut self, Begun { ticket, rates }: Begun, ctx: &mut Self::Context) {
        let now = Instant::now();
        let Some(lane) = self.lanes.get_mut(ticket.lane) else { return };
        lane.begun.insert(ticket.id);
        lane.rates.seen(ticket.reserved);
        if rates != RateLimits::default() {
            lane.rates.correct(&rates, now);
            self.counters.rates = rates;
        }
        if let Some(key) = &ticket.leads {
            let waiting = lane.warm.warmed(key, now);
            lane.requeue(waiting);
        }
        self.admit(ctx);
    }
}

impl Handler<Quotas> for ProviderActor {
    type Result = ();

    fn handle(&mut self, Quotas { class, rates }: Quotas, _: &mut Self::Context) {
        let now = Instant::now();
        let index = self.lane(&class, now);
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.rates.correct(&rates, now);
        }
    }
}

impl Handler<Release> for ProviderActor {
    type Result = ();

    fn handle(&mut self, release: Release, ctx: &mut Self::Context) {
        self.take_back(release, Instant::now());
        self.admit(ctx);
    }
}

impl Handler<Fail> for ProviderActor {
    type Result = ();

    #[expect(clippy::panic, reason = "that is what it is for")]
    fn handle(&mut self, _: Fail, _: &mut Self::Context) {
        panic!("the provider's actor was asked to fail");
    }
}

impl Handler<Observe<ProviderCounters>> for ProviderActor {
    type Result = MessageResult<Observe<ProviderCounters>>;

    fn handle(&mut self, _: Observe<ProviderCounters>, _: &mut Self::Context) -> Self::Result {
        MessageResult(ProviderCounters {
            in_flight: self.in_flight,
            waiting: self.lanes.iter().map(Lane::waiting).sum(),
            ..self.counters.clone()
        })
    }
}

impl Handler<Observe<ProviderHealth>> for ProviderActor {
    type Result = MessageResult<Observe<ProviderHealth>>;

    fn handle(&mut self, _: Observe<ProviderHealth>, _: &mut Self::Context) -> Self::Result {
        let now = Instant::now();
        let cap = self.settings.in_flight_max.max(1);
        let free = cap.saturating_sub(self.in_flight);
        MessageResult(ProviderHealth::of(
            &self.settings.provider,
            self.closure.as_ref(),
            &self.lanes,
            (self.in_flight, free),
            now,
        ))
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
