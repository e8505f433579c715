//! Everything that is read from disk or the environment and turned into data: agent files, settings, permission
//! rules, model names and prices. It decides nothing at run time, starts nothing, and knows no sibling crate.
//!
//! Invariant: this is the only crate that names `serde_yaml`, behind one module.

mod agent;
mod environment;
mod ids;
mod model;
mod permission;
mod problem;
mod tool_names;
pub mod yaml;

pub use agent::{ToolPattern, ToolSelection};
pub use environment::Environment;
pub use ids::{AgentName, ModelId, NameError, ProviderName};
pub use model::{Effort, MicroUsd, ModelChoice, ModelTier, TokenUsage};
pub use permission::{PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope};
pub use problem::{Position, Problem, Severity};
pub use tool_names::{KNOWN_ELSEWHERE, PROVIDED_TOOLS, ToolName, ToolStatus, tool_status};
