//! The process of the app-server, with everything that it starts in one group.

use std::path::Path;
use std::time::Duration;

use codex_task::Environment;
use codex_task_tools::PipedProcess;
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;

use crate::fault::Fault;

/// Time for Codex to end by itself when its input is closed.
const GRACE: Duration = Duration::from_secs(3);

/// Starts Codex with these settings beside its own, in the directory of this environment.
///
/// # Errors
/// A [`Fault`] when it cannot be started.
pub(super) fn start(
    program: &Path,
    overrides: &[String],
    environment: &Environment,
) -> Result<(PipedProcess, ChildStdout, ChildStdin), Fault> {
    let mut command = Command::new(program);
    command.arg("app-server").args(overrides.iter().flat_map(|setting| ["-c", setting.as_str()]));
    // What a variable that is not text says is still inherited. Ctrl-C does not reach the group: it is ours to handle, and
    // Codex is asked to interrupt its turn.
    command.envs(environment.variables()).current_dir(environment.cwd());
    let hear = |text: &str| tracing::debug!(text, "Codex says");
    PipedProcess::start(command, &Handle::current(), hear)
        .map_err(|error| Fault::file("Codex cannot be started:", program, &error))
}

/// Waits a little for Codex to end by itself, ends it, and gives the last line that it has said on stderr.
pub(super) async fn end(mut process: PipedProcess) -> Option<String> {
    process.end(GRACE).await;
    // How the command is used and where it was being run is not why it has failed.
    process.last_line(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
}
