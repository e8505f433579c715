//! A server's process: begun in a group of its own, and ended with everything in that group.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::stderr::StderrTail;

/// How long a server may take to end by itself once its input is closed.
const GRACE: Duration = Duration::from_secs(1);
/// How long the end of a killed process may take to be known.
const REAP_TIME_MAX: Duration = Duration::from_secs(1);

/// A running server. Dropping it kills the group.
pub(super) struct ServerProcess {
    child: Child,
    group: Option<Pid>,
    stderr: StderrTail,
}

/// What is run.
pub(super) struct Program<'a> {
    pub(super) command: &'a str,
    pub(super) args: &'a [String],
    pub(super) variables: BTreeMap<OsString, OsString>,
    pub(super) directory: &'a Path,
}

impl ServerProcess {
    /// Starts a program. Must be called on the runtime that `io` belongs to.
    ///
    /// # Errors
    /// The system's own, when there is no such program or it may not be run.
    pub(super) fn start(
        program: Program<'_>,
        io: &Handle,
    ) -> std::io::Result<(Self, ChildStdout, ChildStdin)> {
        let mut command = Command::new(program.command);
        command
            .args(program.args)
            .env_clear()
            .envs(program.variables)
            .current_dir(program.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("the process has no pipes");
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stderr = StderrTail::follow(child.stderr.take().ok_or_else(missing)?, io);
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok((Self { child, group, stderr }, stdout, stdin))
    }

    /// Waits a little for the server to end by itself, then ends it. Gives how it ended, if that could be learnt.
    pub(super) async fn end(&mut self) -> Option<ExitStatus> {
        // The process is not reaped before its group was killed, so that the group's number cannot mean another one.
        let ended = timeout(GRACE, self.stderr.finished()).await;
        if ended.is_err() {
            tracing::debug!(pid = self.child.id(), "an MCP server did not end by itself");
        }
        self.kill_group();
        let status = timeout(REAP_TIME_MAX, self.child.wait()).await;
        status.ok().and_then(Result::ok)
    }

    /// The last line that the server said on its standard error.
    pub(super) fn last_line(&self) -> Option<String> {
        self.stderr.last_line()
    }

    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // It may have ended by itself: that is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill_group();
    }
}
