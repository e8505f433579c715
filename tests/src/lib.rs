//! Mock providers that are strict about their protocol, for the stories and the benches.
#![expect(clippy::indexing_slicing, reason = "an index into a JSON value gives null where there is nothing")]

mod codex;
mod collector;
mod fault;
mod loopback;
mod mock;
mod peer;

pub use codex::{CodexMock, CodexReply, CodexRequest};
pub use collector::{Collector, Posted};
pub use fault::{Dice, Door, ErrorBody, Fault, FaultServer, Misfortune, Place, Refusing, Turn};
pub use mock::{CacheUse, Call, Format, Mock, Reply};
pub use peer::Peer;
