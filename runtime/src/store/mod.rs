//! Runs that outlive their process: a journal in `SQLite`, written by one thread off the hot path, and what can be read
//! from it later.
//!
//! Invariants: a call with effects is on disk before it runs; what is on disk of a task is a beginning of what happened,
//! without a gap; nobody goes on with a task whose process lives.

mod accounts;
mod apply;
mod ballots;
mod batch;
mod cancelling;
mod claim;
mod database;
mod error;
mod forget;
mod holdings;
mod lease;
#[cfg(test)]
mod migration_tests;
mod question;
mod queue;
mod record;
mod recorder;
mod records;
mod retention;
mod schema;
mod shared;
#[cfg(test)]
mod store_tests;
mod trails;
#[cfg(test)]
mod trails_tests;
mod upkeep;
mod watching;
mod writer;

pub(crate) use ballots::{RecordedBallot, RecordedBallots};
pub use cancelling::CancelAsked;
pub use claim::{Claim, ClaimError};
pub use error::StoreError;
pub use holdings::Holdings;
pub use record::{RecordState, RunRecord, TaskRecord};
pub use recorder::Recorder;
pub use records::Records;
pub(crate) use trails::RecordedTrails;
pub use watching::RunWatch;

pub use codex_task_config::Retention;
