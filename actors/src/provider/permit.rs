//! The right to make one model call.

use std::time::Duration;

use actix::{Addr, Message};
use codex_task_providers::{ProviderError, RateLimits};
use tokio::sync::oneshot;

use super::ProviderActor;
use crate::task::Priority;

/// Asks for the right to make one call; the answer comes when it is this caller's turn, or, as the provider's own
/// error, when that will take longer than the caller would wait. A caller that no longer wants it drops the receiver.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Acquire {
    pub(crate) priority: Priority,
    /// A pause longer than this is not waited for: another route may be free.
    pub(crate) patience: Duration,
    pub(crate) reply: oneshot::Sender<Result<Permit, ProviderError>>,
}

/// What a call showed about its provider.
#[derive(Clone, Debug)]
pub(crate) enum CallVerdict {
    /// The provider answered.
    Answered {
        /// The limits that it stated.
        rates: RateLimits,
    },
    /// The provider did not answer, or refused.
    Failed(ProviderError),
    /// The caller left before the provider could show anything.
    Abandoned,
}

/// Gives a permit back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Release {
    pub(crate) verdict: CallVerdict,
}

/// The right to make one call. Dropping it gives it back as abandoned; `settle` says what the call showed.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Option<Addr<ProviderActor>>,
}

impl Permit {
    pub(super) fn new(gate: Addr<ProviderActor>) -> Self {
        Self { gate: Some(gate) }
    }

    /// Gives the permit back with what the call showed.
    pub(crate) fn settle(mut self, verdict: CallVerdict) {
        self.release(verdict);
    }

    #[expect(clippy::disallowed_methods, reason = "a permit must always come back, also to a full mailbox")]
    fn release(&mut self, verdict: CallVerdict) {
        if let Some(gate) = self.gate.take() {
            gate.do_send(Release { verdict });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release(CallVerdict::Abandoned);
    }
}

/// How long a provider that throttles is left alone when it does not say itself.
pub(super) const PAUSE_DEFAULT: Duration = Duration::from_secs(1);
/// Doublings of that time, one for each such pause in a row.
pub(super) const PAUSE_DOUBLINGS_MAX: u32 = 5;
/// Longest pause, whatever a backend says: no clock can hold `Duration::MAX`.
pub(super) const PAUSE_MAX: Duration = Duration::from_hours(24);
