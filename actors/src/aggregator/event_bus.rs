//! Events on their way to whoever watches.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::task::TaskEvent;

/// Events that a slow watcher may fall behind before it loses the oldest.
const EVENTS_KEPT: usize = 1_024;

/// Publishes events to any number of watchers. Never waits for one: a watcher that falls behind loses the oldest
/// events and is told how many. Without watchers an event is not even made.
#[derive(Clone, Debug)]
pub struct EventBus {
    sender: broadcast::Sender<Arc<TaskEvent>>,
}

impl EventBus {
    /// A bus without watchers.
    #[expect(clippy::new_without_default, reason = "two busses are never interchangeable")]
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(EVENTS_KEPT) }
    }

    /// Watches from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<TaskEvent>> {
        self.sender.subscribe()
    }

    /// Whether anybody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Publishes what `event` makes, if anybody watches.
    pub(crate) fn publish(&self, event: impl FnOnce() -> TaskEvent) {
        if self.is_watched() {
            // The last watcher may leave just now: then nobody misses the event.
            let _ = self.sender.send(Arc::new(event()));
        }
    }
}
