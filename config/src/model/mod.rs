//! Model names, token usage and what it costs.

mod choice;
mod money;
mod usage;

pub use choice::{Effort, ModelChoice, ModelTier};
pub use money::MicroUsd;
pub use usage::TokenUsage;
