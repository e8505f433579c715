//! Git worktrees in which agents work apart from the session's own files: made when an agent starts, removed when it has
//! changed nothing, and else left on a branch of their own.
//!
//! Invariants: nothing that a repository says makes our own git run a program (`git.rs`); no change of an agent's is ever
//! thrown away; what a process that died has left unchanged is removed by the next one (`lease.rs`).

mod error;
mod git;
mod lease;
mod place;
#[cfg(test)]
mod tests;
mod worktrees;

pub use error::WorktreeError;
pub use place::{Leaving, Worktree};
pub use worktrees::Worktrees;
