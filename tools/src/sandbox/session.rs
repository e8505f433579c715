//! The sandbox of one agent's commands, made when the first of them needs it.

use std::sync::{Arc, OnceLock};

use super::{Sandbox, SandboxError};

/// Shared by the clones of a session; another task has another one, and with it other temporary files.
#[derive(Clone, Debug, Default)]
pub(crate) struct SandboxOfSession(Arc<OnceLock<Result<Sandbox, SandboxError>>>);

impl SandboxOfSession {
    /// Makes the sandbox, or gives the one that was made before.
    ///
    /// # Errors
    /// [`SandboxError`] when there is no place for temporary files.
    pub(crate) fn open(&self) -> Result<&Sandbox, SandboxError> {
        self.0.get_or_init(Sandbox::open).as_ref().map_err(Clone::clone)
    }
}
