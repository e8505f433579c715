//! Who is told of a call once it is settled whether it runs, and before it does.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::gate::Verdict;
use crate::{Conduct, ToolError};

/// A call about which everything is settled.
#[derive(Clone, Copy, Debug)]
pub struct SettledCall<'a> {
    /// The tool, by the name under which the agent has it; of a tool that it does not have, as the model wrote it.
    pub tool: &'a str,
    /// Its arguments as they run, after hooks have changed them; `None` where they cannot be read.
    pub arguments: Option<&'a Value>,
    /// How it gets along with others.
    pub conduct: Conduct,
    /// What the gate said; `None` when the call did not come that far.
    pub verdict: Option<&'a Verdict>,
    /// What becomes of it.
    pub fate: CallFate,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFate {
    /// It runs: the gate allows it.
    Runs,
    /// It runs: the gate asked, and the user, now or before, said yes.
    Granted,
    /// The gate refuses it.
    Denied,
    /// The gate asked, and there was no yes.
    NotGranted,
    /// A hook refuses it.
    RefusedByHook,
    /// There is no such tool, or the arguments are not valid.
    Invalid,
}

impl CallFate {
    /// Whether the call runs.
    pub fn runs(self) -> bool {
        match self {
            Self::Runs | Self::Granted => true,
            Self::Denied | Self::NotGranted | Self::RefusedByHook | Self::Invalid => false,
        }
    }

    /// A short stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "allowed",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::NotGranted => "not_granted",
            Self::RefusedByHook => "refused_by_hook",
            Self::Invalid => "invalid",
        }
    }
}

/// Is told of each call, in the moment between the last word about it and its first effect.
pub trait Witness: Send + Sync {
    /// The call is settled. One that runs waits for this, and does not run where it fails; of one that does not run the
    /// answer is ignored.
    ///
    /// # Errors
    /// [`ToolError`] when the call must not run after all.
    fn settled<'a>(&'a self, call: SettledCall<'a>) -> BoxFuture<'a, Result<(), ToolError>>;
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwitnessed;

impl Witness for Unwitnessed {
    fn settled<'a>(&'a self, _call: SettledCall<'a>) -> BoxFuture<'a, Result<(), ToolError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
