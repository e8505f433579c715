//! What a user typed, as a task for an agent: files that it mentions, and slash commands.
//!
//! Everything that is read or run for it passes the gate of the session, as a call of the main agent would.

mod errand;
mod expand;

pub use expand::ExpandedPrompt;
