//! A trail that is wanted and cannot be kept: nothing that it would have to keep is done.

use codex_task_actors::{Audit, AuditAck, AuditError, AuditRecord};
use futures_util::future::BoxFuture;

/// Keeps nothing and lets no tool run.
#[derive(Clone, Debug)]
pub struct UnavailableAudit {
    error: AuditError,
}

impl UnavailableAudit {
    /// Because of this.
    pub fn new(error: AuditError) -> Self {
        Self { error }
    }
}

impl Audit for UnavailableAudit {
    fn record(&self, record: AuditRecord) {
        drop(record);
    }

    fn record_durably(&self, _record: AuditRecord, ack: AuditAck) {
        let _ = ack.send(Err(self.error.clone())); // an agent that left needs no answer
    }

    fn is_failing(&self) -> bool {
        true
    }

    fn room(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
