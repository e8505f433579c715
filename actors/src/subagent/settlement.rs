//! The end of a model call: what it held is given back, and what it used is paid.

use std::sync::Arc;

use codex_task_config::{MicroUsd, ModelInfo, SavedUsd, TokenUsage, WallClock};
use codex_task_providers::{CallError, CallOutcome, ChatReply, ProviderError, RateLimits};

use super::answering;
use super::plan::BoundRoute;
use crate::budget::Reservation;
use crate::provider::{CallVerdict, Permit, Quotas};

/// What one model call used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paid {
    pub(crate) usage: TokenUsage,
    /// What it cost, if anybody knows the price.
    pub(crate) cost: Option<MicroUsd>,
    /// What the provider's cache saved of it.
    pub(crate) cache_saved: SavedUsd,
}

impl Paid {
    /// What is to be paid for a call, if anything: one that failed is paid for what was generated before.
    pub(crate) fn of(route: &BoundRoute, outcome: &CallOutcome) -> Option<Self> {
        match &outcome.result {
            Ok(reply) => Some(Self::at(answering::price(route, reply), reply.usage)),
            Err(_) => (outcome.usage.total_tokens() > 0).then(|| Self::at(route.price, outcome.usage)),
        }
    }

    /// What a call costs today.
    fn at(price: Option<&ModelInfo>, usage: TokenUsage) -> Self {
        let today = WallClock::today();
        let cost = price.and_then(|price| price.cost(&usage, today));
        let uses_cache = usage.cache_read_tokens > 0 || usage.cache_write_tokens > 0;
        let saved = price.filter(|_| uses_cache).and_then(|price| price.cache_saving(&usage, today));
        Self { usage, cost, cache_saved: saved.unwrap_or_default() }
    }
}

/// What a call holds while it runs.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) permit: Permit,
    pub(crate) reservation: Reservation,
}

impl Held {
    /// Gives everything back, tells the gate what the call showed, and says what is to be paid, if anything.
    pub(crate) fn settle(
        self,
        route: &BoundRoute,
        outcome: CallOutcome,
    ) -> (Result<ChatReply, CallError>, Option<Paid>) {
        let paid = Paid::of(route, &outcome);
        let CallOutcome { result, usage, .. } = outcome;
        let usage = paid.map_or(usage, |paid| paid.usage);
        if let Some(paid) = &paid {
            self.reservation.settle(&usage, paid.cost);
        }
        let verdict = match &result {
            Ok(_) => CallVerdict::Answered,
            Err(CallError::Cancelled) => CallVerdict::Abandoned,
            Err(CallError::Provider(error)) => {
                tell_quotas(route, error);
                CallVerdict::Failed(error.clone())
            }
        };
        self.permit.settle(verdict, usage);
        (result, paid)
    }
}

/// Tells the gate what a throttled call said about limits, before the call itself is settled.
fn tell_quotas(route: &BoundRoute, error: &ProviderError) {
    if !matches!(error, ProviderError::RateLimited { .. }) {
        return;
    }
    let rates = route.backend.refused_rates(&route.route.model);
    if rates != RateLimits::default() {
        route.gate.tell(Quotas { class: Arc::clone(&route.class), rates });
    }
}
