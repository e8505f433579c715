//! Model names, token usage and what it costs.

mod auto;
mod budget;
mod choice;
mod kind;
mod money;
mod price;
mod rate_class;
mod resolve;
mod usage;

pub use auto::{AutoChoice, AutoRequest, ToolReach};
pub use budget::BudgetLimits;
pub use choice::{Effort, ModelChoice, ModelTier};
pub use kind::ProviderKind;
pub use money::{MicroUsd, SavedUsd};
pub use price::{Capabilities, Cliff, ModelInfo, Price, PriceTable, ScheduledPrice};
pub use rate_class::rate_class;
pub use resolve::{ModelRequest, model_of_tier, model_variables, resolve_model, vendor_of_model};
pub use usage::TokenUsage;
