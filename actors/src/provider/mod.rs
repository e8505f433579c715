//! Admission to one provider: who may call it now, who waits, in which order.

mod actor;
mod breaker;
mod bucket;
mod closure;
mod gate;
mod health;
mod lane;
mod pause;
mod permit;
mod ramp;
mod rates;
mod retry_budget;
mod warm_gate;
mod window;

pub(crate) use actor::GateSettings;
pub use actor::{ProviderActor, ProviderCounters};
pub(crate) use breaker::Standing;
pub use gate::FailProvider;
pub(crate) use gate::{Gate, GateWatch, ProviderGone};
pub use health::{ClassHealth, HealthState, ProviderHealth};
pub(crate) use permit::{Acquire, CallShape, CallVerdict, Permit, Quotas, Refusal, RefusalCause};
pub use rates::{LimitHealth, LimitsHealth};
pub(crate) use retry_budget::Try;
pub(crate) use warm_gate::SharedPrefix;
