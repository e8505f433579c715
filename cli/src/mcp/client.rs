//! What belongs to one client: when it is gone its calls end, and so does what it has started in the background.

use std::sync::{Mutex, PoisonError};

use codex_task::TaskTool;
use tokio_util::sync::CancellationToken;

use super::lazy::LazyRuntime;
use super::lease::Lease;

/// See the module.
pub(super) struct Client {
    /// Cancelled when the client is gone: no call goes on.
    gone: CancellationToken,
    /// Holds the background tasks, which end with it; made by the first call.
    tool: Mutex<Option<TaskTool>>,
    /// Tells whether it is still there, where it has no connection of its own.
    lease: Lease,
    reach: Reach,
}

/// When a client hears what belongs to no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It has one connection for everything.
    Always,
    /// As its lease says.
    WhileListening,
}

impl Client {
    /// A client with one connection, which is there until the token is cancelled.
    pub(super) fn connected(gone: CancellationToken) -> Self {
        Self { gone, tool: Mutex::default(), lease: Lease::default(), reach: Reach::Always }
    }

    /// A client with a session, which is there as long as its lease says.
    pub(super) fn in_session(gone: CancellationToken) -> Self {
        Self { reach: Reach::WhileListening, ..Self::connected(gone) }
    }

    /// Whether it would hear a question that belongs to no open call.
    pub(super) fn hears(&self) -> bool {
        match self.reach {
            Reach::Always => true,
            Reach::WhileListening => self.lease.is_listening(),
        }
    }

    /// Cancelled when the client is gone.
    pub(super) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    /// What is known of its connections.
    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Its Task tool. The first call of all clients starts the runtime.
    ///
    /// # Errors
    /// Why there is none, for the model.
    pub(super) fn tool(&self, runtime: &LazyRuntime) -> Result<TaskTool, String> {
        let handle = runtime.get()?;
        let mut tool = self.tool.lock().unwrap_or_else(PoisonError::into_inner);
        if self.gone.is_cancelled() {
            return Err("Agent failed: the session has ended".to_owned());
        }
        Ok(tool.get_or_insert_with(|| handle.task_tool()).clone())
    }

    /// Cancels what it has started in the background.
    pub(super) fn forget(&self) {
        drop(self.tool.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// It is gone.
    pub(super) fn end(&self) {
        self.gone.cancel();
        self.forget();
    }
}
