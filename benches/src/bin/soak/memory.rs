//! Resident memory over the time of the soak.

use std::time::Duration;

use codex_task_benches::resident_kib;
use tokio::time::{Instant, sleep_until};

/// Growth from the first quarter to the end that is none: what one hour of it would be is far below any machine's memory.
const SLACK_KIB: u64 = 8 << 10;

/// Resident memory in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) start: u64,
    pub(crate) quarter: u64,
    pub(crate) half: u64,
    pub(crate) end: u64,
}

impl Memory {
    /// Watches for this long.
    pub(crate) async fn over(time: Duration) -> Self {
        let began = Instant::now();
        let after = async |share: u32| {
            sleep_until(began + time * share / 20).await;
            resident_kib()
        };
        Self { start: after(1).await, quarter: after(5).await, half: after(10).await, end: after(20).await }
    }

    /// Whether it does not grow.
    pub(crate) fn is_flat(self) -> bool {
        self.end <= self.quarter + self.quarter / 10 + SLACK_KIB
    }
}
