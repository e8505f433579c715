//! The audit trail as one task's parts see it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Audit, AuditError, AuditEvent, AuditRecord, AuditSubject};

/// Tells the audit trail, if there is one, what happens to one task. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct TaskAudit(Option<Arc<Told>>);

struct Told {
    audit: Arc<dyn Audit>,
    subject: Arc<AuditSubject>,
}

impl TaskAudit {
    /// The audit of a task; without a trail nothing is even made.
    pub(crate) fn new(audit: Option<&Arc<dyn Audit>>, subject: impl FnOnce() -> AuditSubject) -> Self {
        Self(audit.map(|audit| Arc::new(Told { audit: Arc::clone(audit), subject: Arc::new(subject()) })))
    }

    /// Tells what has happened.
    pub(crate) fn record(&self, event: impl FnOnce() -> AuditEvent) {
        if let Some(told) = &self.0 {
            told.audit.record(told.of(event()));
        }
    }

    /// Tells what is about to happen, and waits until it is on disk.
    ///
    /// # Errors
    /// [`AuditError`]: it must not happen.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing back.
    pub(crate) async fn record_durably(&self, event: impl FnOnce() -> AuditEvent) -> Result<(), AuditError> {
        let Some(told) = &self.0 else { return Ok(()) };
        let (ack, kept) = oneshot::channel();
        told.audit.record_durably(told.of(event()), ack);
        kept.await.unwrap_or_else(|_| Err(AuditError { detail: "it was closed".to_owned() }))
    }

    /// Whether nothing may be done but what is on disk.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.as_ref().is_some_and(|told| told.audit.is_failing())
    }

    /// Waits while the trail is behind.
    pub(crate) async fn room(&self) {
        if let Some(told) = &self.0 {
            told.audit.room().await;
        }
    }
}

impl Told {
    fn of(&self, event: AuditEvent) -> AuditRecord {
        AuditRecord { subject: Arc::clone(&self.subject), event }
    }
}
