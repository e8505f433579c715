//! Where an actor is found: the same place for everybody and for the whole life of a runtime, also when the actor has died
//! and another one sits there.

use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message};

/// See the module. A message to an actor that is dead is dropped with everything in it, so whoever waits for an answer
/// is told.
pub struct Seat<A: Actor> {
    /// Held for a copy only. Shared by all who tell something: actix allocates for each copy of an address.
    addr: Arc<Mutex<Arc<Addr<A>>>>,
}

impl<A: Actor> Clone for Seat<A> {
    fn clone(&self) -> Self {
        Self { addr: Arc::clone(&self.addr) }
    }
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    /// A seat with this actor on it.
    pub fn new(addr: Addr<A>) -> Self {
        Self { addr: Arc::new(Mutex::new(Arc::new(addr))) }
    }

    /// The actor that sits here now.
    pub fn addr(&self) -> Addr<A> {
        Addr::clone(&self.shared())
    }

    fn shared(&self) -> Arc<Addr<A>> {
        Arc::clone(&self.addr.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the actor that sits here lives.
    pub(crate) fn is_taken(&self) -> bool {
        self.shared().connected()
    }

    /// Another actor sits here from now on.
    pub(crate) fn replace(&self, addr: Addr<A>) {
        *self.addr.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(addr);
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
        self.shared().do_send(message);
    }
}
