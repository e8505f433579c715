//! Hooks: programs of the user's own that are told of tool calls and of an agent's beginning and end.
//!
//! Owns: which of them are told of what, running them, and reading their answers. Does not decide which may run (the
//! settings have), and overrules nobody: the gate judges every call that hooks have seen, in full.
//!
//! Invariants: a hook only narrows. One that ought to look at a call and cannot (it does not start, hangs, crashes,
//! writes nonsense, is of an unknown kind) refuses the call. What a hook starts ends with it. A script in reach
//! of agents that has changed since the session began is not run.

mod answer;
mod beside;
mod condition;
mod event;
mod hooks;
mod matcher;
mod outcome;
mod run;
mod script;

pub(crate) use beside::HooksBeside;
pub(crate) use event::HookCall;
pub use hooks::{HookCaller, Hooks};
pub(crate) use outcome::BeforeCall;
pub use outcome::{AfterStart, AfterStop};
pub(crate) use script::ScriptPins;
