//! An actor's own address, for those whom it gives it to.

use std::sync::{Arc, Weak};

use actix::{Actor, Addr, AsyncContext, Context};

/// See the module. actix allocates for each copy of an address; these share one, which is for one-way messages: whoever
/// waits for room in the mailbox needs a copy. Held weakly: an actor that holds its own address never ends.
pub(crate) struct OwnAddr<A: Actor>(Weak<Addr<A>>);

impl<A: Actor<Context = Context<A>>> OwnAddr<A> {
    /// The address of the actor whose context this is.
    pub(crate) fn get(&mut self, ctx: &Context<A>) -> Arc<Addr<A>> {
        self.0.upgrade().unwrap_or_else(|| {
            let addr = Arc::new(ctx.address());
            self.0 = Arc::downgrade(&addr);
            addr
        })
    }
}

impl<A: Actor> Default for OwnAddr<A> {
    fn default() -> Self {
        Self(Weak::new())
    }
}
