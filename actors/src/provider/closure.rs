//! A key that the provider does not accept, or that has no money left: found out once, true for everybody.

use std::time::Duration;

use codex_task_providers::ProviderError;
use tokio::time::Instant;

use super::permit::{Refusal, RefusalCause};

/// How long a wrong key is not tried again.
const WRONG_KEY: Duration = Duration::from_mins(5);
/// How long a key without money is not tried again.
const NO_MONEY: Duration = Duration::from_mins(1);

/// What is closed by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Every model of the key.
    Key,
    /// The models of this class.
    Class,
}

/// Calls in a row that are forbidden before the rest is not made.
pub(super) const FORBIDDEN_MAX: u32 = 2;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    pub(super) error: ProviderError,
    pub(super) until: Instant,
}

impl Closure {
    /// What an error closes, if anything.
    pub(super) fn of(error: &ProviderError, now: Instant) -> Option<(Reach, Self)> {
        let (reach, time) = match error {
            // 403 may be about a model, a region or this one request: it says nothing of other classes, and once alone it
            // says nothing of other calls either.
            ProviderError::Unauthorized { status: 403, .. } => (Reach::Class, WRONG_KEY),
            ProviderError::Unauthorized { .. } | ProviderError::NoCredential { .. } => {
                (Reach::Key, WRONG_KEY)
            }
            ProviderError::QuotaExhausted { .. } => (Reach::Class, NO_MONEY),
            _ => return None,
        };
        Some((reach, Self { error: error.clone(), until: now + time }))
    }

    /// What a caller is told who comes in the meantime.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal { cause: RefusalCause::Closed, error: self.error.clone() }
    }
}
