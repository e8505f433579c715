//! Admission to one provider: who may call it now, who waits, in which order.

mod actor;
mod permit;

pub use actor::{ProviderActor, ProviderCounters};
pub(crate) use permit::{Acquire, CallVerdict, Permit};
