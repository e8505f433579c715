//! Where an actor is found: the same place for everybody and for the whole life of a runtime, also when the actor has died
//! and another one sits there. And how somebody hears that it has died.

use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message, Recipient};

/// See the module. A message to an actor that is dead is dropped with everything in it, so whoever waits for an answer
/// is told.
pub struct Seat<A: Actor> {
    /// Held for a copy only.
    addr: Arc<Mutex<Addr<A>>>,
}

impl<A: Actor> Clone for Seat<A> {
    fn clone(&self) -> Self {
        Self { addr: Arc::clone(&self.addr) }
    }
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    /// A seat with this actor on it.
    pub fn new(addr: Addr<A>) -> Self {
        Self { addr: Arc::new(Mutex::new(addr)) }
    }

    /// The actor that sits here now.
    pub fn addr(&self) -> Addr<A> {
        self.addr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another actor sits here from now on.
    pub(crate) fn replace(&self, addr: Addr<A>) {
        *self.addr.lock().unwrap_or_else(PoisonError::into_inner) = addr;
    }

    /// Tells the actor something that a full mailbox must not refuse: a lifecycle event, a one-way report, or a caller
    /// who waits.
    #[expect(clippy::disallowed_methods, reason = "only for what must not be lost to a full mailbox")]
    pub fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        Context<A>: ToEnvelope<A, M>,
    {
        self.addr().do_send(message);
    }
}

/// Tells somebody that its owner is gone. Field of an actor.
pub(crate) struct LastWill<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    message: Option<M>,
    heir: Recipient<M>,
}

impl<M> LastWill<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    pub(crate) fn new(message: M, heir: Recipient<M>) -> Self {
        Self { message: Some(message), heir }
    }
}

impl<M> Drop for LastWill<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Never panics: a panic here, during unwinding, would end the process.
    #[expect(clippy::disallowed_methods, reason = "a lifecycle event that a full mailbox must not refuse")]
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            self.heir.do_send(message);
        }
    }
}
