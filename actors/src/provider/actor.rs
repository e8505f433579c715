//! One actor per provider. It owns the number of calls in flight, the queue of waiting callers and the pause after a
//! 429. It never sees a request or an answer: the stream goes from the backend to the agent past it. The supervisor
//! starts it with the first task that needs it; it ends with the runtime.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use codex_task_config::ProviderName;
use codex_task_providers::{ProviderError, RateLimits};
use rand::RngExt;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::gate::{Fail, GateWatch};
use super::permit::{Acquire, CallVerdict, PAUSE_DEFAULT, PAUSE_DOUBLINGS_MAX, PAUSE_MAX, Permit, Release};
use crate::messages::Observe;
use crate::task::Priority;

/// Waiting callers: the highest priority first, within it the one that came first.
type Waiting = BTreeMap<(Reverse<Priority>, u64), Waiter>;

/// Most that is added to a server's hint, so that callers do not come back at once.
const HINT_JITTER: f64 = 0.10;

/// See the module.
pub struct ProviderActor {
    provider: ProviderName,
    /// Most calls in flight: an obligatory cap, or sockets run out.
    in_flight_max: usize,
    /// Most calls in flight for now: halved when the provider throttles, one more with each answer.
    window: usize,
    /// Pauses in a row without an answer between them.
    pauses: u32,
    /// Permits that are out.
    in_flight: usize,
    waiting: Waiting,
    /// Number of the next caller.
    next: u64,
    pause: Option<Pause>,
    counters: ProviderCounters,
    /// Tells the supervisor when this actor is gone.
    watch: Option<GateWatch>,
}

/// A caller in the queue.
struct Waiter {
    /// A pause that ends later is not waited for.
    leaves_at: Instant,
    reply: oneshot::Sender<Result<Permit, ProviderError>>,
}

/// The time after a 429, in which nobody is admitted.
struct Pause {
    until: Instant,
    /// The server's words.
    detail: String,
}

impl Pause {
    /// The provider's own answer, for a caller that does not wait.
    fn error(&self) -> ProviderError {
        let left = self.until.duration_since(Instant::now());
        ProviderError::RateLimited { retry_after: Some(left), detail: self.detail.clone() }
    }
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
    /// The limits that the provider stated last.
    #[serde(skip)]
    pub rates: RateLimits,
}

impl ProviderActor {
    /// An actor that lets `in_flight_max` calls run at once.
    pub(crate) fn new(provider: ProviderName, in_flight_max: usize) -> Self {
        let counters = ProviderCounters {
            provider: provider.clone(),
            in_flight: 0,
            waiting: 0,
            admitted: 0,
            answered: 0,
            failed: 0,
            throttled: 0,
            rates: RateLimits::default(),
        };
        Self {
            provider,
            in_flight_max: in_flight_max.max(1),
            window: in_flight_max.max(1),
            pauses: 0,
            in_flight: 0,
            waiting: BTreeMap::new(),
            next: 0,
            pause: None,
            counters,
            watch: None,
        }
    }

    /// The same, with somebody who is told when it is gone.
    pub(crate) fn watched(mut self, watch: GateWatch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Gives permits to waiting callers while there are any; a caller that left costs nothing.
    fn admit(&mut self, ctx: &mut Context<Self>) {
        if self.pause.as_ref().is_some_and(|pause| pause.until > Instant::now()) {
            return;
        }
        self.pause = None;
        while self.in_flight < self.window {
            let Some((_, waiter)) = self.waiting.pop_first() else { return };
            if waiter.reply.is_closed() {
                continue;
            }
            self.in_flight += 1;
            self.counters.admitted += 1;
            // A receiver that closes just now hands the permit back, and its drop releases it.
            let _ = waiter.reply.send(Ok(Permit::new(ctx.address())));
        }
    }

    fn note_failure(&mut self, error: &ProviderError, ctx: &mut Context<Self>) {
        self.counters.failed += 1;
        if let ProviderError::RateLimited { retry_after, detail } = error {
            self.counters.throttled += 1;
            let usual = PAUSE_DEFAULT.saturating_mul(1 << self.pauses.min(PAUSE_DOUBLINGS_MAX));
            let hint = retry_after.unwrap_or(usual).min(PAUSE_MAX);
            let pause = hint.mul_f64(1.0 + rand::rng().random_range(0.0..=HINT_JITTER));
            self.pause(pause, detail, ctx);
        }
    }

    fn pause(&mut self, time: Duration, detail: &str, ctx: &mut Context<Self>) {
        // Calls that were in flight together are throttled together: that counts once.
        if self.pause.is_none() {
            self.window = (self.in_flight.min(self.window) / 2).max(1);
            self.pauses = self.pauses.saturating_add(1);
        }
        let until = Instant::now() + time;
        if self.pause.as_ref().is_none_or(|pause| pause.until < until) {
            warn!(provider = %self.provider, pause_ms = time.as_millis(), "provider throttles: all its callers wait");
            self.pause = Some(Pause { until, detail: detail.to_owned() });
            self.send_away();
            ctx.run_later(time, Self::admit);
        }
    }

    /// Tells those who would not wait so long.
    fn send_away(&mut self) {
        let Some(pause) = &self.pause else { return };
        for (place, waiter) in std::mem::take(&mut self.waiting) {
            if waiter.leaves_at < pause.until {
                let _ = waiter.reply.send(Err(pause.error())); // a caller that left needs no answer
            } else {
                self.waiting.insert(place, waiter);
            }
        }
    }
}

impl Actor for ProviderActor {
    type Context = Context<Self>;
}

impl Handler<Acquire> for ProviderActor {
    type Result = ();

    fn handle(&mut self, caller: Acquire, ctx: &mut Self::Context) {
        let waiter = Waiter { leaves_at: Instant::now() + caller.patience, reply: caller.reply };
        self.waiting.insert((Reverse(caller.priority), self.next), waiter);
        self.next += 1;
        self.admit(ctx);
        self.send_away();
    }
}

impl Handler<Release> for ProviderActor {
    type Result = ();

    fn handle(&mut self, release: Release, ctx: &mut Self::Context) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match release.verdict {
            CallVerdict::Answered { rates } => {
                self.counters.answered += 1;
                self.pauses = 0;
                self.window = (self.window + 1).min(self.in_flight_max);
                self.counters.rates = rates;
            }
            CallVerdict::Failed(error) => self.note_failure(&error, ctx),
            CallVerdict::Abandoned => debug!(provider = %self.provider, "a permit came back unused"),
        }
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
            waiting: self.waiting.values().filter(|waiter| !waiter.reply.is_closed()).count(),
            ..self.counters.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    fn gate(in_flight_max: usize) -> actix::Addr<ProviderActor> {
        ProviderActor::new(ProviderName::new("p"), in_flight_max).start()
    }

    const PATIENCE: Duration = Duration::from_secs(20);

    type Answer = oneshot::Receiver<Result<Permit, ProviderError>>;

    async fn ask(gate: &actix::Addr<ProviderActor>, priority: Priority) -> Answer {
        let (reply, permit) = oneshot::channel();
        gate.send(Acquire { priority, patience: PATIENCE, reply }).await.expect("the gate lives");
        permit
    }

    async fn admitted(answer: Answer) -> Permit {
        answer.await.expect("the gate lives").expect("it admits")
    }

    fn throttled(retry_after: Duration) -> CallVerdict {
        let detail = "slow down".to_owned();
        CallVerdict::Failed(ProviderError::RateLimited { retry_after: Some(retry_after), detail })
    }

    #[actix::test]
    async fn callers_beyond_the_cap_wait_and_the_higher_priority_goes_first() {
        let gate = gate(1);
        let first = admitted(ask(&gate, Priority::Low).await).await;
        let mut low = ask(&gate, Priority::Low).await;
        let mut high = ask(&gate, Priority::High).await;
        assert!(low.try_recv().is_err() && high.try_recv().is_err());
        first.settle(CallVerdict::Answered { rates: RateLimits::default() });
        let second = admitted(high).await;
        assert!(low.try_recv().is_err());
        drop(second);
        admitted(low).await;
    }

    #[actix::test]
    async fn a_caller_that_left_does_not_hold_a_slot() {
        let gate = gate(1);
        let first = admitted(ask(&gate, Priority::Normal).await).await;
        drop(ask(&gate, Priority::Normal).await);
        drop(first);
        admitted(ask(&gate, Priority::Normal).await).await;
        let counters = gate.send(Observe::new()).await.expect("the gate lives");
        assert_eq!((counters.admitted, counters.waiting), (2, 0));
    }

    #[actix::test]
    async fn one_429_makes_every_caller_wait_as_long_as_the_server_says() {
        tokio::time::pause();
        let gate = gate(8);
        let hint = Duration::from_secs(7);
        admitted(ask(&gate, Priority::Normal).await).await.settle(throttled(hint));
        let before = Instant::now();
        let waiting = [ask(&gate, Priority::Normal).await, ask(&gate, Priority::High).await];
        join_all(waiting.map(|answer| async { drop(admitted(answer).await) })).await;
        let waited = before.elapsed();
        assert!(waited >= hint && waited <= hint.mul_f64(1.2), "{waited:?}");
    }

    #[actix::test]
    async fn a_pause_beyond_a_callers_patience_sends_it_away_at_once_with_the_servers_words() {
        tokio::time::pause();
        let gate = gate(1);
        let first = admitted(ask(&gate, Priority::Normal).await).await;
        let waiting = ask(&gate, Priority::Normal).await;
        let before = Instant::now();
        first.settle(throttled(Duration::MAX));
        for answer in [waiting, ask(&gate, Priority::High).await] {
            let error = answer.await.expect("the gate lives").expect_err("it sends away");
            let ProviderError::RateLimited { retry_after: Some(left), detail } = error else {
                panic!("the provider's own error, not {error}")
            };
            assert!(left > PATIENCE && detail == "slow down");
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
