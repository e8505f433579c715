//! All tools there are, and the tools that one agent has.
//!
//! Owns: which tools an agent's list resolves to, and the one way in which a tool runs. Does not decide what a call may
//! touch (the gate does) nor in which order calls run (the agent's loop does).
//!
//! Invariant: no tool runs but through [`ToolSet::call`], after its name, its arguments and the gate were passed.

mod asking;
mod call;
mod registered;
#[cfg(test)]
mod testing;
mod toolbox;

pub use call::ToolSet;
pub use toolbox::{NoToolsError, Resolved, Toolbox};
