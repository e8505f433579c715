//! The process of the app-server, with everything that it starts in one group.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task::Environment;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fault::Fault;

/// Time for Codex to end by itself when its input is closed.
const GRACE: Duration = Duration::from_secs(3);
/// Time for the system to tell how a killed process has ended.
const REAP_TIME_MAX: Duration = Duration::from_secs(1);
/// Bytes of the last line on stderr that are kept.
const LAST_LINE_BYTES_MAX: usize = 400;

/// See the module. Dropping it kills the group.
pub(super) struct AppServer {
    child: Child,
    #[cfg(unix)]
    group: Option<Pid>,
    last_line: Arc<Mutex<String>>,
    /// Ends when every process that writes there has ended.
    listening: JoinHandle<()>,
}

impl AppServer {
    /// Starts Codex with these settings beside its own, in the directory of this environment.
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be started.
    pub(super) fn start(
        program: &Path,
        overrides: &[String],
        environment: &Environment,
    ) -> Result<(Self, ChildStdout, ChildStdin), Fault> {
        let mut command = Command::new(program);
        command.arg("app-server").args(overrides.iter().flat_map(|setting| ["-c", setting.as_str()]));
        // What a variable that is not text says is still inherited.
        command.envs(environment.variables()).current_dir(environment.cwd()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is ours to handle: Codex is asked to interrupt its turn.
        #[cfg(unix)]
        command.process_group(0);
        let failed = |error: &std::io::Error| Fault::file("Codex cannot be started:", program, error);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let pipes = (child.stdout.take(), child.stdin.take(), child.stderr.take());
        let (Some(stdout), Some(stdin), Some(stderr)) = pipes else {
            return Err(failed(&std::io::Error::other("the process has no pipes")));
        };
        let last_line = Arc::default();
        let listening = Handle::current().spawn(listen(stderr, Arc::clone(&last_line)));
        #[cfg(unix)]
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let server = Self {
            child,
            #[cfg(unix)]
            group,
            last_line,
            listening,
        };
        Ok((server, stdout, stdin))
    }

    /// Waits a little for Codex to end by itself, ends it, and gives the last line that it has said on stderr.
    pub(super) async fn end(mut self) -> Option<String> {
        // The process is not reaped before its group was killed, so that the group's number cannot mean another one.
        if timeout(GRACE, &mut self.listening).await.is_err() {
            tracing::debug!(pid = self.child.id(), "Codex did not end by itself");
        }
        self.kill_group();
        // What has ended already is only reaped.
        let _ = timeout(REAP_TIME_MAX, self.child.wait()).await;
        let line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (!line.is_empty()).then_some(line)
    }

    fn kill_group(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take() {
            // It may have ended by itself: that is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        self.kill_group();
    }
}

async fn listen(stderr: ChildStderr, last_line: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        tracing::debug!(line, "Codex says");
        // How the command is used and where it was being run is not why it has failed.
        if !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more information") {
            let kept = line.chars().take(LAST_LINE_BYTES_MAX).collect();
            *last_line.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        }
    }
}
