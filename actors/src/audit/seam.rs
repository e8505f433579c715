//! What the actors ask of an audit trail.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::AuditEvent;
use crate::task::{RunId, TaskId};

/// Where a record's fate is told: `Ok` once it is on disk. Dropped when nobody can tell any longer.
pub type AuditAck = oneshot::Sender<Result<(), AuditError>>;

/// The audit trail could not keep what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail cannot be written: {detail}")]
pub struct AuditError {
    /// What the operating system said, and of which file.
    pub detail: String,
}

/// The task that a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSubject {
    /// The task.
    pub task: TaskId,
    /// Its run.
    pub run: RunId,
    /// The task whose agent has asked for it, where that is one of ours.
    pub parent: Option<TaskId>,
    /// The agent's name.
    pub agent: Arc<str>,
    /// SHA-256 of the agent's file, as it was when the task began.
    pub agent_file_sha256: Option<Arc<str>>,
}

/// One thing that has happened.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// The task that it is about.
    pub subject: Arc<AuditSubject>,
    /// What has happened.
    pub event: AuditEvent,
}

/// Keeps what it is told, in the order in which each of those who tell it does. Nobody waits for it but calls of tools
/// that have effects; while it fails, every call of a tool does, and none runs.
pub trait Audit: Send + Sync {
    /// Takes a record; never blocks.
    fn record(&self, record: AuditRecord);

    /// Takes a record that something waits for: it is on disk, with everything that was told before, safe from a loss of
    /// power, before the answer says so.
    fn record_durably(&self, record: AuditRecord, ack: AuditAck);

    /// Whether the last records could not be written: nothing may be done then but what [`Audit::record_durably`] has
    /// kept.
    fn is_failing(&self) -> bool;

    /// Waits until there is room for more.
    fn room(&self) -> BoxFuture<'static, ()>;
}
