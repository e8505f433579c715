//! Where agents find a provider's actor: the same place for all of them and for its whole life, also when the actor has
//! died and another one stands there.

use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::ToEnvelope;
use actix::{Addr, Context, Handler, Message, Recipient};
use codex_task_config::ProviderName;

use super::ProviderActor;

/// See the module. A message to an actor that is dead is dropped with everything in it, so whoever waits for an answer
/// is told.
#[derive(Clone)]
pub(crate) struct Gate {
    /// Held for a copy only.
    addr: Arc<Mutex<Addr<ProviderActor>>>,
}

impl Gate {
    pub(crate) fn new(addr: Addr<ProviderActor>) -> Self {
        Self { addr: Arc::new(Mutex::new(addr)) }
    }

    /// Another actor stands here from now on.
    pub(crate) fn replace(&self, addr: Addr<ProviderActor>) {
        *self.addr.lock().unwrap_or_else(PoisonError::into_inner) = addr;
    }

    /// Tells the actor something that a full mailbox must not refuse: a lifecycle event, or a caller who waits.
    #[expect(clippy::disallowed_methods, reason = "only for what must not be lost to a full mailbox")]
    pub(crate) fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        ProviderActor: Handler<M>,
        Context<ProviderActor>: ToEnvelope<ProviderActor, M>,
    {
        self.addr().do_send(message);
    }

    /// The actor that stands here now.
    pub(crate) fn addr(&self) -> Addr<ProviderActor> {
        self.addr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

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

/// Makes the actor panic.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Fail;
