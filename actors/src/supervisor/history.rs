//! How long tasks took, for telling people how long the next one may take.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Weight of the newest task in the moving average.
const NEWEST_WEIGHT: f64 = 0.3;

/// Agents remembered at most: names come from callers.
const AGENTS_MAX: usize = 1_000;

/// A moving average of running times for each agent.
#[derive(Debug, Default)]
pub(crate) struct History {
    averages: HashMap<Arc<str>, Duration>,
}

impl History {
    /// Adds a completed task.
    pub(crate) fn add(&mut self, agent: &Arc<str>, took: Duration) {
        if let Some(average) = self.averages.get_mut(agent) {
            *average = average.mul_f64(1.0 - NEWEST_WEIGHT) + took.mul_f64(NEWEST_WEIGHT);
        } else if self.averages.len() < AGENTS_MAX {
            self.averages.insert(Arc::clone(agent), took);
        }
    }

    /// What a task of this agent takes, as far as is known.
    pub(crate) fn expected(&self, agent: &str) -> Option<Duration> {
        self.averages.get(agent).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_task_moves_the_average_a_little() {
        let agent: Arc<str> = "a".into();
        let mut history = History::default();
        assert_eq!(history.expected("a"), None);
        history.add(&agent, Duration::from_secs(10));
        history.add(&agent, Duration::from_secs(20));
        assert_eq!(history.expected("a"), Some(Duration::from_secs(13)));
    }
}
