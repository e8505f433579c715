//! One request to a provider, as it is told to whoever watches.

use std::fmt;
use std::time::Duration;

use codex_task_config::{MicroUsd, ModelId, ProviderName, TokenUsage};
use codex_task_providers::{ProviderError, StopReason};

/// Number of a request, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub(crate) u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct CallReport {
    /// Which.
    pub call: CallId,
    /// Where it went.
    pub provider: ProviderName,
    /// The model asked for.
    pub model: ModelId,
    /// The model that answered, where the provider says so.
    pub answered_by: Option<ModelId>,
    /// How it ended.
    pub end: CallEnd,
    /// Tokens used; an estimate where the answer broke off.
    pub usage: TokenUsage,
    /// What they cost; `None` when nothing is billed or the price is not known.
    pub cost: Option<MicroUsd>,
    /// From the request to the first token.
    pub first_token: Option<Duration>,
    /// From the request to the end; `None` for one that was dropped.
    pub duration: Option<Duration>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEnd {
    /// The model answered, and stopped for this reason.
    Answered(StopReason),
    /// The provider did not answer, or refused.
    Failed(ProviderError),
    /// Its task was stopped, or no longer wanted the answer.
    Cancelled,
}

impl CallEnd {
    /// Whether the model answered.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Answered(_))
    }

    /// A short stable name of what went wrong; `None` for an answer.
    pub fn error_kind(&self) -> Option<&'static str> {
        match self {
            Self::Answered(_) => None,
            Self::Failed(error) => Some(error.kind()),
            Self::Cancelled => Some("cancelled"),
        }
    }
}
