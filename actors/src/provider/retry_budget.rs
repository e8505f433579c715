//! How many calls may be tried again: enough for single failures, too few to burden a provider that is down.

use codex_task_providers::ProviderError;
use tokio::time::Instant;

use super::bucket::Bucket;
use super::permit::{Refusal, RefusalCause};

/// Tries again that are always possible within ten seconds.
const PER_TEN_SECONDS: f64 = 10.0;
/// First tries that allow one more.
const FIRST_TRIES_FOR_ONE: u32 = 5;
/// The most first tries that are counted for that.
const FIRST_TRIES_MAX: u32 = 500;

/// What all tries again together may cost until calls succeed.
const QUOTA: u32 = 500;
/// Cost of one after a failure.
const FAILED_COST: u32 = 14;
/// Cost of one after a 429.
const THROTTLED_COST: u32 = 5;
/// What a success gives back beyond the cost of its own tries.
const SUCCESS_GAIN: u32 = 1;

/// Whether a call is made for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Try {
    /// It is.
    #[default]
    First,
    /// It failed before.
    AfterFailure,
    /// It was throttled before: the provider asked to come again.
    AfterThrottle,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct RetryBudget {
    steady: Bucket,
    /// First tries that have allowed nothing yet.
    first_tries: u32,
    quota: u32,
}

impl RetryBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            steady: Bucket::full(PER_TEN_SECONDS, PER_TEN_SECONDS / 10.0, now),
            first_tries: 0,
            quota: QUOTA,
        }
    }

    /// Takes what a call costs; false when it is not to be made. Calls that the provider itself asked for always are.
    pub(super) fn allow(&mut self, call: Try, now: Instant) -> bool {
        match call {
            Try::First => {
                self.first_tries = (self.first_tries + 1).min(FIRST_TRIES_MAX);
                true
            }
            Try::AfterThrottle => {
                self.quota = self.quota.saturating_sub(THROTTLED_COST);
                true
            }
            Try::AfterFailure => self.quota >= FAILED_COST && self.take_one(now),
        }
    }

    fn take_one(&mut self, now: Instant) -> bool {
        if self.first_tries >= FIRST_TRIES_FOR_ONE {
            self.first_tries -= FIRST_TRIES_FOR_ONE;
        } else if self.steady.wait(1.0, now).is_zero() {
            self.steady.take(1.0, now);
        } else {
            return false;
        }
        self.quota -= FAILED_COST;
        true
    }

    /// What a caller is told whose call is not made.
    pub(super) fn refusal() -> Refusal {
        let detail = "too many of its calls failed and were tried again".to_owned();
        Refusal {
            cause: RefusalCause::RetriesSpent,
            error: ProviderError::Overloaded { retry_after: None, detail },
        }
    }

    /// A call succeeded.
    pub(super) fn succeeded(&mut self, call: Try) {
        let cost = match call {
            Try::First => SUCCESS_GAIN,
            Try::AfterFailure => FAILED_COST,
            Try::AfterThrottle => THROTTLED_COST,
        };
        self.quota = (self.quota + cost).min(QUOTA);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tries(budget: &mut RetryBudget, now: Instant) -> u32 {
        (0..1_000).take_while(|_| budget.allow(Try::AfterFailure, now)).fold(0, |count, _| count + 1)
    }

    #[test]
    fn ten_in_ten_seconds_and_one_for_each_five_first_tries() {
        let now = Instant::now();
        let mut budget = RetryBudget::new(now);
        assert_eq!(tries(&mut budget, now), 10);
        assert_eq!(tries(&mut budget, now + Duration::from_secs(5)), 5);
        let mut budget = RetryBudget::new(now);
        (0..50).for_each(|_| assert!(budget.allow(Try::First, now)));
        assert_eq!(tries(&mut budget, now), 10 + 10);
    }

    #[test]
    fn a_provider_that_never_answers_is_not_burdened_for_ever() {
        let mut now = Instant::now();
        let mut budget = RetryBudget::new(now);
        let mut count = 0;
        for _ in 0..60 {
            count += tries(&mut budget, now);
            now += Duration::from_secs(10);
        }
        assert_eq!(count, QUOTA / FAILED_COST);
        assert!(budget.allow(Try::First, now) && budget.allow(Try::AfterThrottle, now));
        budget.succeeded(Try::AfterFailure);
        assert_eq!(tries(&mut budget, now), 1);
    }
}
