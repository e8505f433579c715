//! Who is asked when no rule decides.

use codex_task_config::ToolName;
use futures_util::future::BoxFuture;

use super::Verdict;
use crate::Owner;

/// A call that needs somebody's yes.
#[derive(Clone, Debug)]
pub struct ApprovalRequest {
    /// Whose call it is, and until when the answer is of use.
    pub owner: Owner,
    /// The tool.
    pub tool: ToolName,
    /// What the call would do: the whole command, the path or the address; empty where only the tool's name is known.
    pub subject: String,
    /// Why it is asked for, and how it would run.
    pub verdict: Verdict,
    /// What a yes may be remembered for.
    pub lasting: Lasting,
}

/// How far a yes may reach beyond the call that is asked about. Never further than the call as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// This call alone: a rule asks each time, or no rule could give it beforehand.
    Never,
    /// The same call of the same agent, as long as this process lives.
    Session,
    /// That, and these rules, the narrowest that cover the call, for settings that the user keeps.
    Rules(Vec<String>),
}

/// What a yes is remembered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantScope {
    /// The same call of the same agent in this process.
    Session,
    /// That, and the project: the approver has written the rules of [`Lasting::Rules`] where the user keeps them.
    Project,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// This call may run.
    Granted,
    /// This call may run, and so may the same call from now on. Where nothing may be remembered it counts for this call.
    GrantedAlways {
        /// What it is remembered for.
        scope: GrantScope,
    },
    /// The user does not want this call.
    Refused {
        /// The user's own words for the model.
        reason: Option<String>,
    },
    /// Nobody answered: nobody is there to ask, or the question was put away.
    Unanswered,
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
        Box::pin(std::future::ready(Approval::Unanswered))
    }
}
