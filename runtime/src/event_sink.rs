//! Hands a host what tasks do, as it happens.

use std::sync::Arc;

use codex_task_actors::{EventBus, TaskEvent};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Hears what tasks do, without asking. It is called on a thread of its own, one event after the other, and no task ever
/// waits for it: events that come faster than they are taken are lost, the oldest first, never a result.
pub trait EventSink: Send + Sync {
    /// Something happened.
    fn event(&self, event: &TaskEvent);

    /// So many events were lost, because this sink was slower than the tasks.
    fn missed(&self, count: u64) {
        let _ = count;
    }
}

/// Feeds sinks until the runtime ends.
///
/// # Errors
/// The operating system gave no thread.
pub(crate) fn feed_all(sinks: Vec<Arc<dyn EventSink>>, events: &EventBus) -> std::io::Result<()> {
    sinks.into_iter().try_for_each(|sink| feed(sink, events))
}

fn feed(sink: Arc<dyn EventSink>, events: &EventBus) -> std::io::Result<()> {
    let events = events.watch();
    // It ends by itself, with the last of those who tell of events; a sink that is busy is waited for by nobody.
    std::thread::Builder::new()
        .name("codex-task-events".to_owned())
        .spawn(move || run(&*sink, events))
        .map(drop)
}

fn run(sink: &dyn EventSink, mut events: Receiver<Arc<TaskEvent>>) {
    loop {
        match events.blocking_recv() {
            Ok(event) => sink.event(&event),
            Err(RecvError::Lagged(count)) => sink.missed(count),
            Err(RecvError::Closed) => return,
        }
    }
}
