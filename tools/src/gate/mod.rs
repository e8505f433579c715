//! The one place that decides whether a tool call runs.
//!
//! Owns: matching the user's rules, the order deny -> ask -> allow -> mode, and the words of a refusal. Does not open
//! files (the path guard does, and judges them once more) and does not run anything.
//!
//! Invariant: every tool call passes [`judge`]; whatever is not understood is never allowed by a rule for a part.

mod approver;
mod bash;
mod bounds;
mod confined;
mod domain;
mod example;
mod fetch;
mod files;
mod git;
mod git_remote;
mod hazard_table;
mod judge;
mod lasting;
mod nested;
mod part;
mod pattern;
mod programs;
mod read_only;
mod read_only_table;
mod refusal;
mod rule;
mod sed;
mod tainted;
#[cfg(test)]
pub(crate) mod testing;
mod transfer;
mod unpacking;
mod verdict;
mod words;

#[cfg(test)]
#[cfg(unix)]
mod hostile_path_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod payload_tests;

pub use approver::{Approval, ApprovalRequest, Approver, GrantScope, Headless, Lasting};
pub(crate) use example::failure as example_failure;
pub(crate) use judge::held_by_hook;
pub use judge::{GateCall, judge};
pub(crate) use lasting::lasting;
use pattern::CommandPattern;
pub(crate) use programs::may_run_arguments as runs_its_arguments;
pub(crate) use rule::{CompiledRule, canonical};
pub(crate) use tainted::untrusted_of;
pub use verdict::{Confinement, DecidingRule, Decision, Part, Ruling, Verdict};
