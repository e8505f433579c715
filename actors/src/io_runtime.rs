//! Where connections and tools live: a tokio runtime that no Arbiter's death can take down.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

/// A handle of the runtime that drives HTTP and tools: our own, or the host's.
#[derive(Clone, Debug)]
pub struct IoRuntime {
    handle: Handle,
    blocking: Blocking,
}

/// Where work runs that blocks.
#[derive(Clone, Copy, Debug)]
enum Blocking {
    /// On threads that are there for it.
    OnThreads,
    /// In its turn, between everything else.
    InTurn,
}

impl IoRuntime {
    /// Uses this runtime; it must have I/O and time enabled.
    pub fn new(handle: Handle) -> Self {
        Self { handle, blocking: Blocking::OnThreads }
    }

    /// Uses this runtime and no thread beside it: blocking work takes its turn there. For simulations, which would
    /// otherwise go on differently each time.
    pub fn on_one_thread(handle: Handle) -> Self {
        Self { handle, blocking: Blocking::InTurn }
    }

    /// The runtime's handle.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Starts a future there; dropping what is returned aborts it.
    pub fn spawn<F>(&self, work: F) -> AbortOnDropHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        AbortOnDropHandle::new(self.handle.spawn(work))
    }

    /// Runs blocking work on threads that are there for it.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        match self.blocking {
            Blocking::OnThreads => self.handle.spawn_blocking(work),
            Blocking::InTurn => self.handle.spawn(async move { work() }),
        }
    }

    /// Runs a future there and waits for it.
    ///
    /// # Panics
    /// When the future panics, or when the runtime has shut down: the caller's own supervision takes over.
    ///
    /// # Cancel safety
    /// Dropping the returned future aborts the work.
    pub(crate) async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.spawn(work).await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::panic::resume_unwind(Box::new("the I/O runtime has shut down")),
            },
        }
    }
}
