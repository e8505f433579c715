//! The end of a model call: what it held is given back, and what it used is paid.

use std::sync::Arc;

use codex_task_config::{MicroUsd, SavedUsd, TokenUsage};
use codex_task_providers::{CallError, CallOutcome, ChatReply, ProviderError, RateLimits};

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

/// What a call holds while it runs.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) permit: Permit,
    pub(crate) reservation: Reservation,
}

impl Held {
    /// Gives everything back, tells the gate what the call showed, and says what is to be paid, if anything. A call
    /// that failed is paid for what was generated before.
    pub(crate) fn settle(
        self,
        route: &BoundRoute,
        outcome: CallOutcome,
    ) -> (Result<ChatReply, CallError>, Option<Paid>) {
        let CallOutcome { result, usage, .. } = outcome;
        let usage = result.as_ref().map_or(usage, |reply| reply.usage);
        let is_billed = result.is_ok() || usage.total_tokens() > 0;
        let paid = is_billed.then(|| Paid {
            usage,
            cost: route.cost(&usage),
            cache_saved: route.cache_saving(&usage),
        });
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
