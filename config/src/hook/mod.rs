//! Hooks as data: programs of the user's own that are told of tool calls and subagents, as Claude Code's settings and
//! agent files name them. Running them is the tools' work.

mod definition;
mod event;
mod read;

pub use definition::{Hook, HookAction, HookFailure, HookWait};
pub use event::HookEvent;
pub(crate) use read::{HookSource, HooksRead, read};
