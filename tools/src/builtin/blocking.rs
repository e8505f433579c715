//! File and search work on the blocking pool, which ends when nobody waits for it any more.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ToolError;

/// Tells blocking work to end. Looked at between files, blocks and steps that have effects.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether the work should end.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Tells the work to end.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`ToolError::Cancelled`] when the work should end.
    pub(super) fn check(&self) -> Result<(), ToolError> {
        if self.is_set() { Err(ToolError::Cancelled) } else { Ok(()) }
    }
}

/// Sets the stop when it is dropped: the future that owned it is gone.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Runs `work` on the blocking pool. A panic in it goes on in the caller.
///
/// # Cancel safety
/// Dropping the future sets the stop, so that the work ends at its next look.
pub(super) async fn blocking<T: Send + 'static>(
    stop: Stop,
    work: impl FnOnce(&Stop) -> Result<T, ToolError> + Send + 'static,
) -> Result<T, ToolError> {
    let _guard = StopOnDrop(stop.clone());
    match tokio::task::spawn_blocking(move || work(&stop)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(ToolError::Cancelled),
        },
    }
}

/// Whether work came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    /// It was stopped, and gave what it had.
    OutOfTime,
}

/// As [`blocking`], for work that gives what it has when it is stopped: at most for `time_max`.
pub(super) async fn blocking_for<T: Send + 'static>(
    time_max: Duration,
    work: impl FnOnce(&Stop) -> Result<T, ToolError> + Send + 'static,
) -> Result<(T, Ending), ToolError> {
    let stop = Stop::default();
    let mut work = pin!(blocking(stop.clone(), work));
    if let Ok(result) = tokio::time::timeout(time_max, &mut work).await {
        return Ok((result?, Ending::Complete));
    }
    stop.set();
    Ok((work.await?, Ending::OutOfTime))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn dropping_the_future_stops_the_work() {
        let (started, is_started) = tokio::sync::oneshot::channel();
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let work = blocking(Stop::default(), move |stop| {
            started.send(()).unwrap();
            while !stop.is_set() {
                std::hint::spin_loop();
            }
            ended.send(stop.check()).unwrap();
            Ok(())
        });
        tokio::select! {
            _ = work => unreachable!("the work ends only when it is told to"),
            started = is_started => started.unwrap(),
        }
        assert_eq!(has_ended.await, Ok(Err(ToolError::Cancelled)));
    }

    #[tokio::test]
    async fn work_that_takes_too_long_gives_what_it_has() {
        let count = |stop: &Stop| {
            let mut rounds = 0_u64;
            while !stop.is_set() {
                rounds += 1;
            }
            Ok(rounds)
        };
        let (rounds, ending) = blocking_for(Duration::from_millis(20), count).await.unwrap();
        assert!(rounds > 0);
        assert_eq!(ending, Ending::OutOfTime);
        let at_once = blocking_for(Duration::from_mins(1), |_| Ok(1)).await;
        assert_eq!(at_once, Ok((1, Ending::Complete)));
    }

    #[tokio::test]
    async fn a_panic_goes_on_in_the_caller() {
        let work = blocking(Stop::default(), |_| -> Result<(), ToolError> { panic!("words") });
        let panic = std::panic::AssertUnwindSafe(work).catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"words"));
    }
}
