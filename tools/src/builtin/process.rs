//! A program with everything that it starts: begun together, ended together.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::FusedFuture;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::head_tail::HeadTail;
use super::stray::{Mark, runs_in_group};
use crate::sandbox::{Aftermath, Confined};
use crate::warden::{Watch, Watched};

/// Characters of each stream that can be shown.
pub(super) const OUTPUT_CHARS_MAX: usize = 30_000;

/// How long the pipes may stay open after the program has ended: what it left running may still hold them.
const PIPES_GRACE: Duration = Duration::from_millis(250);

/// How long a process that is ending by itself may take to be gone.
const LEAVE_GRACE: Duration = Duration::from_millis(20);

/// How long processes that were asked to end may take before they are made to.
const TERM_GRACE: Duration = Duration::from_secs(1);

/// How long a process that was made to end may take to be gone.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// How often a group is looked at while it ends.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How often strays are looked for while some process cannot be told, as one that just becomes another program.
const SWEEPS_MAX: usize = 4;

/// Bytes that are read from a pipe at once: as many as it holds.
const READ_BYTES: usize = 64 * 1024;

/// How a program came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(ExitStatus),
    TimedOut,
}

/// A program that has ended, and what it wrote.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ended: Ended,
    pub(super) stdout: HeadTail,
    pub(super) stderr: HeadTail,
    /// What the program left behind.
    pub(super) aftermath: Aftermath,
    /// Directories in which the sandbox let it create nothing new.
    pub(super) closed: Vec<PathBuf>,
}

/// Takes what a program writes, as it comes.
pub(super) trait Sink {
    fn push(&mut self, bytes: &[u8]);
}

impl Sink for HeadTail {
    fn push(&mut self, bytes: &[u8]) {
        Self::push(self, bytes);
    }
}

/// Runs a program to its end, at most for `time_max`, and ends whatever it leaves behind. Standard input is empty.
///
/// # Errors
/// When the program cannot be started.
///
/// # Cancel safety
/// Dropping the future ends the program and every process that it started.
pub(super) async fn run(tree: ProcessTree, time_max: Duration) -> io::Result<Finished> {
    let (mut stdout, mut stderr) = (HeadTail::new(OUTPUT_CHARS_MAX), HeadTail::new(OUTPUT_CHARS_MAX));
    let closed = tree.closed_directories();
    let (ended, aftermath) = watch(tree, time_max, &mut stdout, &mut stderr).await?;
    Ok(Finished { ended, stdout, stderr, aftermath, closed })
}

/// Watches a program to its end; as [`run`], with the output going where it is wanted. Gives how the program ended and
/// what it left.
pub(super) async fn watch(
    mut tree: ProcessTree,
    time_max: Duration,
    stdout: &mut impl Sink,
    stderr: &mut impl Sink,
) -> io::Result<(Ended, Aftermath)> {
    let pipes = tree.take_pipes();
    let drains = async {
        tokio::join!(drain(pipes.0, stdout), drain(pipes.1, stderr));
    };
    let mut drains = pin!(drains.fuse());
    let ended = match beside(timeout(time_max, tree.wait()), drains.as_mut()).await {
        Ok(status) => Ended::Exited(status?),
        Err(_) => Ended::TimedOut,
    };
    if ended != Ended::TimedOut {
        settle(drains.as_mut()).await;
    }
    let mut aftermath = beside(tree.end(), drains.as_mut()).await;
    settle(drains.as_mut()).await;
    if ended == Ended::TimedOut {
        aftermath.killed = 0;
    }
    Ok((ended, aftermath))
}

/// Waits for `wanted` while the pipes are emptied.
async fn beside<T>(
    wanted: impl Future<Output = T>,
    mut drains: Pin<&mut impl FusedFuture<Output = ()>>,
) -> T {
    let mut wanted = pin!(wanted);
    loop {
        tokio::select! {
            value = &mut wanted => return value,
            () = drains.as_mut(), if !drains.is_terminated() => {}
        }
    }
}

/// Gives the pipes a moment to be closed by all who hold them.
async fn settle(drains: Pin<&mut impl FusedFuture<Output = ()>>) {
    if !drains.is_terminated() {
        // Whoever still holds them is ended next, or has left the call.
        let _ = timeout(PIPES_GRACE, drains).await;
    }
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, output: &mut impl Sink) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; READ_BYTES];
    // A broken pipe is an end like any other.
    while let Ok(bytes @ 1..) = pipe.read(&mut buffer).await {
        output.push(buffer.get(..bytes).unwrap_or_default());
    }
}

/// A running program and its group. Dropping it ends them in the background.
#[derive(Debug)]
pub(super) struct ProcessTree {
    /// Taken by whoever ends it.
    live: Option<Held>,
    /// Where the ending goes on when the tree is dropped.
    runtime: Handle,
}

/// What holds the processes of a tree.
#[derive(Debug)]
enum Held {
    Free(Live),
    /// The sandbox knows them better than we do.
    Leashed(Confined),
}

impl Held {
    fn child(&mut self) -> &mut Child {
        match self {
            Self::Free(live) => &mut live.child,
            Self::Leashed(confined) => &mut confined.child,
        }
    }

    async fn end(self) -> Aftermath {
        match self {
            Self::Free(live) => Aftermath { killed: usize::from(live.end().await), ..Aftermath::default() },
            // An error means that the runtime is shutting down: the processes are killed all the same.
            Self::Leashed(confined) => confined.leash.end().await.unwrap_or_default(),
        }
    }
}

impl ProcessTree {
    /// A program that was started in the sandbox. Must be called on the runtime that its end is watched on.
    pub(super) fn confined(confined: Confined) -> Self {
        Self { live: Some(Held::Leashed(confined)), runtime: Handle::current() }
    }

    /// Starts a program in a group of its own. Must be called on the runtime that its end is watched on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(command: Command, mark: Mark) -> io::Result<Self> {
        Self::start_with(Stdio::null(), command, mark)
    }

    /// Starts a program that is told something; gives where it is told.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start_listening(command: Command, mark: Mark) -> io::Result<(Self, Option<ChildStdin>)> {
        let mut tree = Self::start_with(Stdio::piped(), command, mark)?;
        let input = tree.live.as_mut().and_then(|live| live.child().stdin.take());
        Ok((tree, input))
    }

    fn start_with(input: Stdio, mut command: Command, mark: Mark) -> io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let watch = Watch::keep();
        Self::new(command.process_group(0).kill_on_drop(true).spawn()?, mark, watch)
    }

    fn new(child: Child, mark: Mark, watch: Watch) -> io::Result<Self> {
        let readers = [child.stdout.as_ref().map(AsFd::as_fd), child.stderr.as_ref().map(AsFd::as_fd)];
        let readers = readers.into_iter().flatten().map(|reader| reader.try_clone_to_owned());
        let readers = readers.collect::<io::Result<_>>()?;
        let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = leader.ok_or_else(|| io::Error::other("the process has no number"))?;
        Ok(Self {
            live: Some(Held::Free(Live {
                child,
                group,
                mark,
                _readers: readers,
                _watched: watch.over(group),
                is_ended: false,
            })),
            runtime: Handle::current(),
        })
    }

    fn closed_directories(&self) -> Vec<PathBuf> {
        match &self.live {
            Some(Held::Leashed(confined)) => confined.closed.clone(),
            Some(Held::Free(_)) | None => Vec::new(),
        }
    }

    fn take_pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        let child = self.live.as_mut().map(Held::child);
        child.map_or((None, None), |child| (child.stdout.take(), child.stderr.take()))
    }

    /// Waits for the program itself, not for what it started.
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        match &mut self.live {
            Some(live) => live.child().wait().await,
            None => Err(io::Error::other("the process was ended")),
        }
    }

    /// Ends what is left; gives what that was.
    async fn end(&mut self) -> Aftermath {
        match self.live.take() {
            Some(live) => live.end().await,
            None => Aftermath::default(),
        }
    }
}

impl Drop for ProcessTree {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            // Detached, but not for long: every wait in it is bounded. When the runtime shuts down first, dropping what
            // is being ended ends it at once.
            self.runtime.spawn(live.end());
        }
    }
}

/// The processes of a tree until they are known to be gone. Dropping it kills them.
#[derive(Debug)]
struct Live {
    child: Child,
    /// The program's own number is that of its group. The number is not given to others while the group has members.
    group: Pid,
    mark: Mark,
    /// Keep the pipes whole until the end: a program that is asked to end must not die of a broken pipe instead.
    _readers: Vec<OwnedFd>,
    /// Ends them when this process is killed.
    _watched: Watched,
    is_ended: bool,
}

impl Live {
    async fn end(mut self) -> bool {
        // What closed its pipes a moment ago is still on its way out.
        let had_members = runs_in_group(self.group) && timeout(LEAVE_GRACE, self.until_gone()).await.is_err();
        if had_members {
            self.signal(Signal::TERM);
            if timeout(TERM_GRACE, self.until_gone()).await.is_err() {
                self.signal(Signal::KILL);
                // Only a process that the system itself holds is not gone by then.
                let _ = timeout(KILL_GRACE, self.until_gone()).await;
            }
        }
        let had_strays = self.end_strays().await;
        had_members || had_strays
    }

    /// Ends those that have left the group; gives whether there were any.
    async fn end_strays(&mut self) -> bool {
        let mut count = 0;
        for _ in 0..SWEEPS_MAX {
            let (mark, first) = (self.mark.clone(), self.group);
            // When the runtime is shutting down, dropping `self` does the rest.
            let sweep = tokio::task::spawn_blocking(move || mark.end_strays(first)).await;
            let Ok(sweep) = sweep else { return count > 0 };
            count += sweep.ended;
            if sweep.unclear == 0 {
                break;
            }
            sleep(POLL_INTERVAL).await;
        }
        self.is_ended = true;
        count > 0
    }

    async fn until_gone(&mut self) {
        // A program that nobody has waited for stays a member of its group.
        let _ = self.child.wait().await;
        while runs_in_group(self.group) {
            sleep(POLL_INTERVAL).await;
        }
    }

    fn signal(&self, signal: Signal) {
        // The only failure is that nobody is left.
        let _ = kill_process_group(self.group, signal);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.is_ended {
            self.signal(Signal::KILL);
            self.mark.end_strays(self.group);
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
