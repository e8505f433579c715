//! Where agents find a provider's actor, and what is said of its death.

use actix::{Message, Recipient};
use codex_task_config::ProviderName;

use super::ProviderActor;
use crate::seat::Seat;

/// Where agents find a provider's actor.
pub(crate) type Gate = Seat<ProviderActor>;

/// A provider's actor is gone.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ProviderGone {
    pub(crate) provider: ProviderName,
}

/// Tells the supervisor that its owner is gone. Field of every provider actor.
pub(crate) struct GateWatch {
    provider: ProviderName,
    supervisor: Recipient<ProviderGone>,
}

impl GateWatch {
    pub(crate) fn new(provider: ProviderName, supervisor: Recipient<ProviderGone>) -> Self {
        Self { provider, supervisor }
    }
}

impl Drop for GateWatch {
    #[expect(clippy::disallowed_methods, reason = "a lifecycle event that a full mailbox must not refuse")]
    fn drop(&mut self) {
        self.supervisor.do_send(ProviderGone { provider: self.provider.clone() });
    }
}

/// Ends a provider's actor as if it had panicked by its own fault: it is started again, unless that happens again and
/// again. For tests and for operators who want to see it happen. Replies whether there was such an actor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "bool")]
pub struct FailProvider {
    /// The provider.
    pub provider: ProviderName,
}
