//! Events on their way to whoever watches.

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;

use crate::task::TaskEvent;

/// Events that a slow watcher may fall behind before it loses the oldest.
const EVENTS_KEPT: usize = 1_024;

/// Hears every event, as it happens and without loss, on the thread on which it happens: agents wait for it, so it takes
/// microseconds, never blocks and never panics. Whoever needs longer watches instead.
pub trait EventTap: fmt::Debug + Send + Sync {
    /// Something happened.
    fn hear(&self, event: &TaskEvent);
}

/// Publishes events to any number of watchers. Never waits for one: a watcher that falls behind loses the oldest
/// events and is told how many. Without watchers and taps an event is not even made.
#[derive(Clone, Debug)]
pub struct EventBus {
    sender: broadcast::Sender<Arc<TaskEvent>>,
    taps: Arc<[Arc<dyn EventTap>]>,
}

impl EventBus {
    /// A bus without watchers.
    #[expect(clippy::new_without_default, reason = "two busses are never interchangeable")]
    pub fn new() -> Self {
        Self::tapped(Vec::new())
    }

    /// A bus without watchers whose events all of these hear.
    pub fn tapped(taps: Vec<Arc<dyn EventTap>>) -> Self {
        Self { sender: broadcast::Sender::new(EVENTS_KEPT), taps: taps.into() }
    }

    /// Watches from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<TaskEvent>> {
        self.sender.subscribe()
    }

    /// Whether anybody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Publishes what `event` makes, if anybody hears it.
    pub(crate) fn publish(&self, event: impl FnOnce() -> TaskEvent) {
        if self.taps.is_empty() && !self.is_watched() {
            return;
        }
        let event = event();
        self.taps.iter().for_each(|tap| tap.hear(&event));
        if self.is_watched() {
            // The last watcher may leave just now: then nobody misses the event.
            let _ = self.sender.send(Arc::new(event));
        }
    }
}
