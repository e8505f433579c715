//! What a model call holds of its budget while it runs.

use codex_task_config::WallClock;

use super::agent_context::AgentContext;
use super::agent_run::Halt;
use super::plan::BoundRoute;
use crate::budget::{Reservation, Wish};

/// Tokens of the longest answer of a model that nobody knows.
const ANSWER_TOKENS_UNKNOWN: u64 = 8_192;

/// What an attempt asks of the budget: a prompt of so many tokens, and an answer as long as it is wanted at most.
pub(crate) fn wish(prompt_tokens: u64, wanted: Option<u32>, route: &BoundRoute) -> Wish {
    let most = route.backend.limits(&route.route.model).map(|limits| limits.output_tokens);
    let longest = most.unwrap_or(ANSWER_TOKENS_UNKNOWN);
    Wish {
        prompt_tokens: Wish::with_margin(prompt_tokens),
        answer_tokens: wanted.map_or(longest, |wanted| u64::from(wanted).min(longest)),
        price: route.price,
        on: WallClock::today(),
    }
}

/// Holds what an attempt may take. Before a permit is asked for: who holds a permit must not wait for money that others
/// hold while they wait for permits.
pub(super) async fn reserve(agent: &AgentContext, wish: impl FnOnce() -> Wish) -> Result<Reservation, Halt> {
    if !agent.budget.is_limited() {
        return Ok(Reservation::unlimited());
    }
    tokio::select! {
        biased;
        () = agent.stop.token().cancelled() => Err(Halt::Stopped),
        held = agent.budget.reserve(wish()) => held.map_err(Halt::Error),
    }
}
