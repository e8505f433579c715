//! What one agent's tools share and nobody else sees.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_task_config::Environment;
use tokio_util::sync::CancellationToken;

/// One agent's tool session: where it works, with which environment, and what ends it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Working directory of the agent's tools; absolute, inside the workspace.
    pub cwd: Arc<Path>,
    /// The workspace: tools stay inside it (and inside `additional_directories`).
    pub workspace: Arc<Path>,
    /// Directories that count as inside.
    pub additional_directories: Arc<[PathBuf]>,
    /// Environment that child processes are built from.
    pub environment: Environment,
    /// Ends every running call.
    pub cancel: CancellationToken,
}
