//! Waiting for what must come, with a bound.

use std::time::Duration;

/// Longest wait for anything: far above what a busy machine needs, far below what a person would wait.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Waits until a condition holds; fails with `what` when it never does.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, async || condition()).await;
}

/// As [`wait_until`], for conditions that ask somebody.
pub(crate) async fn wait_for(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain until {what}");
}
