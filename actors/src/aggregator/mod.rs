//! Where results come together.

mod actor;
mod event_bus;

pub use actor::{AggregatorActor, AggregatorCounters, CloseRun, CollectRun, OpenRun, RunUnknown};
pub(crate) use actor::{AggregatorGone, ReportTo, TaskEnded};
pub use event_bus::EventBus;
