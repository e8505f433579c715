//! A question on its way from an agent to the desk.

use codex_task::{Approval, ApprovalRequest, Approver};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// One open question. Dropping it leaves it unanswered.
pub(super) struct Question {
    pub(super) request: ApprovalRequest,
    /// Closed when nobody waits for the answer any longer: the task has ended.
    pub(super) answer: oneshot::Sender<Approval>,
}

/// Sends each question to the desk and waits there for its answer.
pub(super) struct TerminalApprover {
    desk: mpsc::UnboundedSender<Question>,
}

impl TerminalApprover {
    /// The approver, and where its questions come out. There are never more than tasks that run.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Question>) {
        let (desk, questions) = mpsc::unbounded_channel();
        (Self { desk }, questions)
    }
}

impl Approver for TerminalApprover {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        let (answer, answered) = oneshot::channel();
        let sent = self.desk.send(Question { request: request.clone(), answer });
        Box::pin(async move {
            match sent {
                Ok(()) => answered.await.unwrap_or(Approval::Unanswered),
                Err(_) => Approval::Unanswered,
            }
        })
    }
}
