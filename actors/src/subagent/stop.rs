//! One signal that ends a running agent, with the reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

/// Why an agent is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// Somebody cancelled the task, or the runtime shuts down.
    Cancelled,
    /// The task's time is up.
    Deadline,
}

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const DEADLINE: u8 = 2;

/// Held by the supervisor, by the agent and by its tools; the first cause given stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopSignal {
    token: CancellationToken,
    cause: Arc<AtomicU8>,
}

impl StopSignal {
    /// Asks the agent to stop.
    pub(crate) fn fire(&self, cause: StopCause) {
        let code = match cause {
            StopCause::Cancelled => CANCELLED,
            StopCause::Deadline => DEADLINE,
        };
        let _ = self.cause.compare_exchange(RUNNING, code, Ordering::AcqRel, Ordering::Acquire); // the first stands
        self.token.cancel();
    }

    /// Why the agent must stop, once it must.
    pub(crate) fn cause(&self) -> Option<StopCause> {
        match self.cause.load(Ordering::Acquire) {
            CANCELLED => Some(StopCause::Cancelled),
            DEADLINE => Some(StopCause::Deadline),
            _ => None,
        }
    }

    /// For what takes a plain token: tools and model calls.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_stands() {
        let stop = StopSignal::default();
        assert_eq!(stop.cause(), None);
        stop.fire(StopCause::Deadline);
        stop.fire(StopCause::Cancelled);
        assert_eq!(stop.cause(), Some(StopCause::Deadline));
        assert!(stop.token().is_cancelled());
    }
}
