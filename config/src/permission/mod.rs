//! Permission rules as data: what the user allowed, denied or wants to be asked about. Judging is the gate's work.

mod mode;
mod parse;
mod rule;
mod sandbox_mode;

pub use mode::PermissionMode;
pub use rule::{
    PermissionPolicy, PermissionRule, RuleBehavior, RuleExample, RuleOrigin, RulePlace, RuleScope,
};
pub use sandbox_mode::{SandboxMode, SandboxUnavailable};
