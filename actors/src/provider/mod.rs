//! Admission to one provider: who may call it now, who waits, in which order.

mod actor;
mod gate;
mod permit;

pub use actor::{ProviderActor, ProviderCounters};
pub use gate::FailProvider;
pub(crate) use gate::{Fail, Gate, GateWatch, ProviderGone};
pub(crate) use permit::{Acquire, CallVerdict, Permit};
