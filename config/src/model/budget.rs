//! What a tree of tasks may take: money, tokens, calls and time, shared by all of its tasks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::MicroUsd;

/// What a task and its descendants, or a run, may take together. Absent is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetLimits {
    /// Most money.
    pub cost_max: Option<MicroUsd>,
    /// Most tokens, prompt and answers together, those that a cache gave included.
    pub tokens_max: Option<u64>,
    /// Most model calls that are billed.
    pub calls_max: Option<u64>,
    /// Longest time, waiting for a slot included.
    pub time_max: Option<Duration>,
}

impl BudgetLimits {
    /// Nothing is limited.
    pub const NONE: Self = Self { cost_max: None, tokens_max: None, calls_max: None, time_max: None };

    /// Of each limit the narrower one.
    #[must_use]
    pub fn narrowed_by(self, other: Self) -> Self {
        Self {
            cost_max: narrower(self.cost_max, other.cost_max),
            tokens_max: narrower(self.tokens_max, other.tokens_max),
            calls_max: narrower(self.calls_max, other.calls_max),
            time_max: narrower(self.time_max, other.time_max),
        }
    }

    /// What `other` says, and where it is silent what stands here.
    #[must_use]
    pub fn replaced_by(self, other: Self) -> Self {
        Self {
            cost_max: other.cost_max.or(self.cost_max),
            tokens_max: other.tokens_max.or(self.tokens_max),
            calls_max: other.calls_max.or(self.calls_max),
            time_max: other.time_max.or(self.time_max),
        }
    }
}

fn narrower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_only_narrowed_by_another_limit() {
        let some = BudgetLimits { tokens_max: Some(10), calls_max: Some(3), ..BudgetLimits::NONE };
        let other = BudgetLimits { tokens_max: Some(20), cost_max: Some(MicroUsd(5)), ..BudgetLimits::NONE };
        let both = BudgetLimits { calls_max: Some(3), tokens_max: Some(10), ..other };
        assert_eq!((some.narrowed_by(other), other.narrowed_by(some)), (both, both));
        assert_eq!(some.narrowed_by(BudgetLimits::NONE), some);
        let replaced = BudgetLimits { tokens_max: Some(20), ..both };
        assert_eq!(some.replaced_by(other), replaced);
    }
}
