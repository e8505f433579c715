//! Who is asked when no rule decides.

use codex_task_config::ToolName;
use futures_util::future::BoxFuture;

use super::Verdict;

/// A call that needs somebody's yes.
#[derive(Clone, Debug)]
pub struct ApprovalRequest {
    /// The tool.
    pub tool: ToolName,
    /// What the call would do, on one line: the command or the path.
    pub subject: String,
    /// Why it is asked for.
    pub verdict: Verdict,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// This call may run.
    Granted,
    /// This call may not run.
    Refused,
}

/// Asked for each call whose verdict is [`super::Decision::Ask`].
pub trait Approver: Send + Sync {
    /// Decides on one call. Dropping the future withdraws the question.
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval>;
}

/// Nobody is there to ask: asking is refusing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headless;

impl Approver for Headless {
    fn approve<'a>(&'a self, _request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        Box::pin(std::future::ready(Approval::Refused))
    }
}
