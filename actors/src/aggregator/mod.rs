//! Where results come together.

mod actor;
mod event_bus;

pub(crate) use actor::TaskEnded;
pub use actor::{AggregatorActor, AggregatorCounters, CloseRun, CollectRun, OpenRun, RunUnknown};
pub use event_bus::EventBus;
