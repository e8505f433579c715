//! What the process holds, as the kernel counts it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Connections of the other side close a moment later.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) children: usize,
}

impl Held {
    /// Now.
    pub(crate) fn now() -> Self {
        let threads: Vec<_> = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten().collect();
        let children =
            threads.iter().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let children = children.map(|list| list.split_whitespace().count()).sum();
        let descriptors = std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
        Self { descriptors, threads: threads.len(), children }
    }

    /// What is held more than before, once it has had the time to go.
    pub(crate) async fn beyond(before: Self) -> Self {
        let began = Instant::now();
        loop {
            let now = Self::now();
            let more = Self {
                descriptors: now.descriptors.saturating_sub(before.descriptors),
                threads: now.threads.saturating_sub(before.threads),
                children: now.children.saturating_sub(before.children),
            };
            let is_clean = more == Self { descriptors: 0, threads: 0, children: 0 };
            if is_clean || began.elapsed() > PATIENCE {
                return more;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
