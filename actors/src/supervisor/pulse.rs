//! Whether a worker Arbiter still takes turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::watch::WATCH_INTERVAL;
use super::workers::WorkerHost;

/// Looks in vain after which a worker gets no new agents: one second.
const LATE_LOOKS: u32 = 4;
/// Looks in vain after which a worker counts as blocked: five seconds. Moving its agents costs them the model call
/// that they are in, so a machine that is merely busy must not come so far.
const BLOCKED_LOOKS: u32 = 20;

/// One question at a time, answered by the worker as soon as it takes a turn.
#[derive(Debug)]
pub(super) struct Pulse {
    answered: Arc<AtomicBool>,
    /// Looks in a row that found the question open.
    looks_in_vain: u32,
    looked: Option<Instant>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { answered: Arc::new(AtomicBool::new(true)), looks_in_vain: 0, looked: None }
    }

    /// Sees whether the last question was answered, and asks the next one.
    pub(super) fn look(&mut self, now: Instant, host: &dyn WorkerHost) {
        // A process that was stopped for a while looks several times at once, before any worker could answer.
        let is_early = self.looked.is_some_and(|last| now.duration_since(last) < WATCH_INTERVAL / 2);
        if is_early {
            return;
        }
        self.looked = Some(now);
        if !self.answered.swap(false, Ordering::AcqRel) {
            self.looks_in_vain += 1;
            return;
        }
        self.looks_in_vain = 0;
        let answered = Arc::clone(&self.answered);
        // One that has ended does not answer; its canary tells.
        host.run(Box::new(move || answered.store(true, Ordering::Release)));
    }

    /// Whether a question is open, or was for so long that the answer has not been seen yet.
    pub(super) fn is_open(&self) -> bool {
        self.looks_in_vain > 0 || !self.answered.load(Ordering::Acquire)
    }

    /// Whether the worker had better get no new agents.
    pub(super) fn is_late(&self) -> bool {
        self.looks_in_vain >= LATE_LOOKS
    }

    /// Whether the worker must be given up.
    pub(super) fn is_blocked(&self) -> bool {
        self.looks_in_vain >= BLOCKED_LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker that takes everything and runs nothing.
    struct Silent;

    impl WorkerHost for Silent {
        fn run(&self, _: Box<dyn FnOnce() + Send>) -> bool {
            true
        }

        fn stop(&self) -> bool {
            true
        }

        fn is_ending(&self) -> bool {
            false
        }
    }

    #[actix::test]
    async fn looks_in_vain_count_once_for_each_interval() {
        let mut pulse = Pulse { answered: Arc::new(AtomicBool::new(false)), ..Pulse::new() };
        let mut now = Instant::now();
        for _ in 0..100 {
            pulse.look(now, &Silent);
        }
        assert!(!pulse.is_late(), "looks at one moment are one look");
        for _ in 1..BLOCKED_LOOKS {
            assert!(!pulse.is_blocked());
            now += WATCH_INTERVAL;
            pulse.look(now, &Silent);
        }
        assert!(pulse.is_late() && pulse.is_blocked());
        pulse.answered.store(true, Ordering::Release);
        pulse.look(now + WATCH_INTERVAL, &Silent);
        assert!(!pulse.is_late());
    }
}
