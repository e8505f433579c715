//! The right to make one model call.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Message};
use codex_task_config::TokenUsage;
use codex_task_providers::{ProviderError, RateLimits};
use tokio::sync::oneshot;

use super::ProviderActor;
use super::breaker::Standing;
use super::rates::Amounts;
use super::retry_budget::Try;
use super::warm_gate::SharedPrefix;
use crate::task::Priority;

/// Asks for the right to make one call; the answer comes when it is this caller's turn, or, as a refusal, when that will
/// take longer than the caller would wait. A caller that no longer wants it drops the receiver.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Acquire {
    pub(crate) priority: Priority,
    /// A pause longer than this is not waited for: another route may be free.
    pub(crate) patience: Duration,
    pub(crate) call: CallShape,
    pub(crate) reply: oneshot::Sender<Result<Permit, Refusal>>,
}

/// What a call will be like, as far as it is known before.
#[derive(Clone, Debug)]
pub(crate) struct CallShape {
    /// The class under which the vendor counts the model.
    pub(crate) class: Arc<str>,
    /// Tokens of the prompt, by a rule of thumb.
    pub(crate) prompt_tokens: u64,
    /// Those of them that the provider has in its cache from this very conversation.
    pub(crate) cached_tokens: u64,
    /// Most tokens of the answer.
    pub(crate) output_max: Option<u32>,
    /// The beginning that it shares with other calls, where that can be cached.
    pub(crate) prefix: Option<SharedPrefix>,
    /// Whether the caller has another route.
    pub(crate) standing: Standing,
    /// Whether it was tried before.
    pub(crate) attempt: Try,
}

/// Why a caller gets no permit.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) cause: RefusalCause,
    /// The provider's own last error of that kind.
    pub(crate) error: ProviderError,
}

/// What a refusal means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalCause {
    /// The provider throttles for longer than the caller would wait.
    Paused,
    /// The provider fails again and again; `error` says when it is tried again.
    Failing,
    /// The provider accepts neither this nor the next call: wrong key, no money.
    Closed,
    /// Too many calls were tried again.
    RetriesSpent,
}

/// What a call showed about its provider.
#[derive(Clone, Debug)]
pub(crate) enum CallVerdict {
    /// The provider answered.
    Answered,
    /// The provider did not answer, or refused.
    Failed(ProviderError),
    /// The caller left before the provider could show anything.
    Abandoned,
}

/// What the gate remembers of a permit, kept by the permit itself.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// Number of the call, for telling calls apart.
    pub(super) id: u64,
    /// Index of the lane.
    pub(super) lane: usize,
    pub(super) reserved: Amounts,
    pub(super) attempt: Try,
    pub(super) standing: Standing,
    /// The prefix that this call is the first to write.
    pub(super) leads: Option<Arc<str>>,
    pub(super) is_probe: bool,
}

/// Gives a permit back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Release {
    pub(super) ticket: Ticket,
    pub(super) verdict: CallVerdict,
    pub(super) usage: TokenUsage,
}

/// The provider has begun to answer a call.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Begun {
    pub(super) ticket: Ticket,
    pub(super) rates: RateLimits,
}

/// What a provider said about its limits when it refused a call of this class.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Quotas {
    pub(crate) class: Arc<str>,
    pub(crate) rates: RateLimits,
}

/// The right to make one call. Dropping it gives it back as abandoned; `settle` says what the call showed.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Option<(Arc<Addr<ProviderActor>>, Ticket)>,
}

/// Tells the gate that an answer has begun; used by whoever hears the stream.
#[derive(Debug)]
pub(crate) struct Beginning {
    gate: Option<(Arc<Addr<ProviderActor>>, Ticket)>,
}

impl Permit {
    pub(super) fn new(gate: Arc<Addr<ProviderActor>>, ticket: Ticket) -> Self {
        Self { gate: Some((gate, ticket)) }
    }

    /// Whether this one call finds out for all the others whether the provider is well again.
    pub(crate) fn is_probe(&self) -> bool {
        self.gate.as_ref().is_some_and(|(_, ticket)| ticket.is_probe)
    }

    /// What the listener of the stream tells the gate with.
    pub(crate) fn beginning(&self) -> Beginning {
        Beginning { gate: self.gate.clone() }
    }

    /// Gives the permit back with what the call showed and used.
    pub(crate) fn settle(mut self, verdict: CallVerdict, usage: TokenUsage) {
        self.release(verdict, usage);
    }

    #[expect(clippy::disallowed_methods, reason = "a permit must always come back, also to a full mailbox")]
    fn release(&mut self, verdict: CallVerdict, usage: TokenUsage) {
        if let Some((gate, ticket)) = self.gate.take() {
            gate.do_send(Release { ticket, verdict, usage });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release(CallVerdict::Abandoned, TokenUsage::default());
    }
}

impl Beginning {
    /// The answer has begun. Costs a message only where somebody waits for it or the provider states limits.
    #[expect(clippy::disallowed_methods, reason = "one-way report: others wait for it")]
    pub(crate) fn tell(&mut self, rates: &RateLimits) {
        let Some((gate, ticket)) = self.gate.take() else { return };
        if ticket.leads.is_some() || *rates != RateLimits::default() {
            gate.do_send(Begun { ticket, rates: *rates });
        }
    }
}
