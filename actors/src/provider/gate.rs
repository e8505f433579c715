//! Where agents find a provider's actor, and what is said of its death.

use actix::Message;
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

/// Ends a provider's actor as if it had panicked by its own fault: it is started again, unless that happens again and
/// again. For tests and for operators who want to see it happen. Replies whether there was such an actor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "bool")]
pub struct FailProvider {
    /// The provider.
    pub provider: ProviderName,
}
