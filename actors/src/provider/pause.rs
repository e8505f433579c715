//! The time after a 429, in which nobody of its class is admitted.

use std::time::Duration;

use codex_task_providers::ProviderError;
use tokio::time::Instant;

use crate::dice::Dice;

/// How long a provider that throttles is left alone when it does not say itself.
const USUAL: Duration = Duration::from_secs(1);
/// Doublings of that time, one for each such pause in a row.
const DOUBLINGS_MAX: u32 = 5;
/// Longest pause, whatever a backend says: no clock can hold `Duration::MAX`.
const LONGEST: Duration = Duration::from_hours(24);
/// Most that is added to a server's hint, so that callers do not come back at once.
const HINT_JITTER: f64 = 0.10;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) until: Instant,
    /// The server's words.
    detail: String,
}

impl Pause {
    /// As long as the server asks for; without its hint longer with each pause in a row.
    pub(super) fn new(
        hint: Option<Duration>,
        in_a_row: u32,
        detail: &str,
        (now, dice): (Instant, &mut Dice),
    ) -> Self {
        let usual = USUAL.saturating_mul(1 << in_a_row.min(DOUBLINGS_MAX));
        let asked = hint.unwrap_or(usual).min(LONGEST);
        let time = dice.beyond(asked, HINT_JITTER);
        Self { until: now + time, detail: detail.to_owned() }
    }

    /// The provider's own answer, for a caller that does not wait.
    pub(super) fn error(&self, now: Instant) -> ProviderError {
        let left = self.until.saturating_duration_since(now);
        ProviderError::RateLimited { retry_after: Some(left), detail: self.detail.clone() }
    }
}
