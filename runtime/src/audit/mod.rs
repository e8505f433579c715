//! The audit trail: what agents, tools and the gate do, one line of JSON for each event, every line sealed with the hash of
//! the one before it. One chain for each session, in files of its own that nobody else appends to.
//!
//! Owns: the form of a line, the files, the second copy of the chain's head, and finding out whether any of that was
//! changed. Does not decide what happens; [`codex_task_actors::Audit`] tells it.
//!
//! Invariants: a tool call that has effects runs only after the line that says so is on disk; a line that could not be
//! written is never left out without a word; no key, and unless the user asks for it no prompt, is ever in a line.

mod agents;
mod anchor;
mod batch;
mod error;
mod fields;
mod glance;
#[cfg(test)]
mod glance_tests;
mod line;
mod opening;
mod place;
mod redact;
mod retention;
#[cfg(test)]
mod retention_tests;
mod segment;
mod tail;
#[cfg(test)]
mod testing;
mod trail;
mod unavailable;
mod verify;
#[cfg(test)]
mod verify_tests;
mod walk;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use anchor::AuditHead;
pub use error::AuditReadError;
pub use glance::{AuditHoldings, NewestAudit};
pub use opening::SessionOpening;
pub use place::AuditPlace;
pub use tail::{AuditFollow, AuditLine, AuditWish};
pub use trail::{AuditOptions, AuditTrail};
pub use unavailable::UnavailableAudit;
pub use verify::{AuditReport, verify};
pub use walk::{AuditFault, AuditNote, FaultPlace, SessionAudit};
