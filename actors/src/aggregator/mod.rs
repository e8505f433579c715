//! Where results come together.

mod actor;
mod event_bus;
mod teller;

pub(crate) use actor::TaskEnded;
pub use actor::{AggregatorActor, AggregatorCounters, CloseRun, CollectRun, OpenRun, RunUnknown};
pub use event_bus::{EventBus, EventTap};
pub(crate) use teller::Teller;
