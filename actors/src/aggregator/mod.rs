//! Where results and timing come together.

mod actor;
mod event_bus;
mod history;

pub use actor::{AggregatorActor, AggregatorCounters, CloseRun, CollectRun, OpenRun, RunUnknown};
pub(crate) use actor::{ExpectedTime, TaskEnded};
pub use event_bus::EventBus;
