//! How often an agent that dies is started again, and how soon.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::dice::Dice;

/// Restarts of one task. Only an agent's own panics count: one that lost its Arbiter simply moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Restarts within `window` before the task ends as crashed.
    pub restarts_max: u32,
    /// The time that restarts are counted in.
    pub window: Duration,
    /// Wait before the first restart; doubles with each one in the window.
    pub backoff_base: Duration,
    /// Longest wait before a restart.
    pub backoff_max: Duration,
}

impl Default for RestartPolicy {
    /// Three restarts a minute, as Erlang's supervisors are commonly set; waits of 50 ms to 5 s.
    fn default() -> Self {
        Self {
            restarts_max: 3,
            window: Duration::from_mins(1),
            backoff_base: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// When a task was restarted.
#[derive(Debug, Default)]
pub(crate) struct RestartHistory {
    recent: VecDeque<Instant>,
    total: u32,
}

impl RestartHistory {
    /// Counts a panic: how long to wait before the restart, or `None` when the budget is used up.
    pub(crate) fn restart_after(
        &mut self,
        policy: &RestartPolicy,
        now: Instant,
        dice: &mut Dice,
    ) -> Option<Duration> {
        while self.recent.front().is_some_and(|at| now.duration_since(*at) > policy.window) {
            self.recent.pop_front();
        }
        let in_window = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if in_window >= policy.restarts_max {
            return None;
        }
        self.recent.push_back(now);
        self.total += 1;
        let wait = policy.backoff_base.saturating_mul(1 << in_window.min(16)).min(policy.backoff_max);
        // Between a half and the whole, so that agents that died together do not come back together.
        Some(dice.part_of(wait, 0.5))
    }

    /// Restarts so far.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_counted_within_the_window_and_backoff_doubles() {
        let policy = RestartPolicy { restarts_max: 2, ..RestartPolicy::default() };
        let mut history = RestartHistory::default();
        let (start, mut dice) = (Instant::now(), Dice::seeded(0));
        let first = history.restart_after(&policy, start, &mut dice).expect("the first is free");
        let second = history.restart_after(&policy, start, &mut dice).expect("so is the second");
        assert!(first <= policy.backoff_base && second >= policy.backoff_base);
        assert_eq!(history.restart_after(&policy, start, &mut dice), None);
        let later = start + policy.window + Duration::from_secs(1);
        assert!(history.restart_after(&policy, later, &mut dice).is_some());
        assert_eq!(history.total(), 3);
    }
}
