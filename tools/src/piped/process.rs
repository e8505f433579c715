//! The process: its beginning, and its end with everything in its group.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::stderr::StderrTail;

/// How long the end of a killed process may take to be known.
const REAP_TIME_MAX: Duration = Duration::from_secs(1);

/// See the module. Dropping it kills the group.
pub struct PipedProcess {
    child: Child,
    #[cfg(unix)]
    group: Option<Pid>,
    stderr: StderrTail,
}

impl PipedProcess {
    /// Starts a program with its pipes, in a group of its own. Each piece that it writes to its standard error is told to
    /// `hear`. Must be called on the runtime that `io` belongs to.
    ///
    /// # Errors
    /// The system's own, when there is no such program or it may not be run.
    pub fn start(
        mut command: Command,
        io: &Handle,
        hear: impl Fn(&str) + Send + 'static,
    ) -> std::io::Result<(Self, ChildStdout, ChildStdin)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let missing = || std::io::Error::other("the process has no pipes");
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stderr = StderrTail::follow(child.stderr.take().ok_or_else(missing)?, io, hear);
        #[cfg(unix)]
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let process = Self {
            child,
            #[cfg(unix)]
            group,
            stderr,
        };
        Ok((process, stdout, stdin))
    }

    /// Waits this long for the program to end by itself, then ends it. Gives how it ended, if that could be learnt.
    pub async fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        // The process is not reaped before its group was killed, so that the group's number cannot mean another one.
        let ended = timeout(grace, self.stderr.finished()).await;
        if ended.is_err() {
            tracing::debug!(pid = self.child.id(), "a program did not end by itself");
        }
        self.kill_group();
        let status = timeout(REAP_TIME_MAX, self.child.wait()).await;
        status.ok().and_then(Result::ok)
    }

    /// The last line of its standard error that is not empty and that is wanted, on one line and bounded.
    pub fn last_line(&self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.stderr.last_line(is_wanted)
    }

    fn kill_group(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take() {
            // It may have ended by itself: that is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for PipedProcess {
    fn drop(&mut self) {
        self.kill_group();
    }
}
