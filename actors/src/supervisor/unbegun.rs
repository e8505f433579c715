//! Tasks that end before they have begun.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::SupervisorActor;
use super::actor::report;
use crate::aggregator::TaskEnded;
use crate::audit::{AuditEvent, AuditSubject, TaskAudit};
use crate::subagent::Tally;
use crate::task::{Outcome, TaskError, TaskEventKind, TaskReport, TaskRequest, TaskTiming};

impl SupervisorActor {
    /// Ends a task that cannot begin, and gives its report.
    pub(super) fn refuse(
        &mut self,
        request: &TaskRequest,
        error: TaskError,
        reply: oneshot::Sender<Arc<TaskReport>>,
    ) -> Arc<TaskReport> {
        self.counters.refused += 1;
        let event = AuditEvent::TaskRefused { error: error.kind() };
        self.end_unbegun(request, Outcome::Failed { error, partial: None }, reply, event)
    }

    /// Ends a task that somebody has cancelled before it has begun, and gives its report.
    pub(super) fn forgo(
        &self,
        request: &TaskRequest,
        reply: oneshot::Sender<Arc<TaskReport>>,
    ) -> Arc<TaskReport> {
        let outcome = Outcome::Cancelled { partial: None };
        self.end_unbegun(request, outcome, reply, AuditEvent::CancelAsked)
    }

    fn end_unbegun(
        &self,
        request: &TaskRequest,
        outcome: Outcome,
        reply: oneshot::Sender<Arc<TaskReport>>,
        event: AuditEvent,
    ) -> Arc<TaskReport> {
        let audit = TaskAudit::new(self.services.audit.as_ref(), || AuditSubject::of_request(request));
        audit.record(|| event);
        let report = Arc::new(report(request, outcome, Tally::default(), TaskTiming::default(), 0));
        self.aggregator.tell(TaskEnded { report: Arc::clone(&report) });
        self.publish(request, || TaskEventKind::Finished(Arc::clone(&report)));
        let _ = reply.send(Arc::clone(&report)); // a caller that left needs no answer
        report
    }
}
