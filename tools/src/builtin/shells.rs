//! The commands that one agent has left running.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::bash::exit_code;
use super::head_tail::HeadTail;
use super::process::{Ended, OUTPUT_CHARS_MAX, ProcessTree, Sink, watch};
use crate::ToolError;
use crate::sandbox::Aftermath;

/// Shells that one agent has at once, those included that have ended and are not forgotten yet.
const SHELLS_MAX: usize = 32;

/// A background command has as long as its task.
const FOREVER: Duration = Duration::MAX;

/// The background shells of one agent's session. Clones share them; they end when the last clone is dropped.
#[derive(Clone, Default)]
pub(crate) struct Shells {
    /// Held while a shell is looked up or started, never across an await.
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    /// The oldest first.
    shells: VecDeque<Shell>,
    /// How many there were so far.
    count: u64,
    is_closed: bool,
}

struct Shell {
    id: String,
    command: String,
    state: Arc<Mutex<State>>,
    /// Aborting it ends the processes.
    watcher: AbortOnDropHandle<()>,
}

/// What is known of a shell.
struct State {
    status: Status,
    stdout: HeadTail,
    stderr: HeadTail,
}

/// Where a shell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Running,
    /// It ended with this exit code.
    Exited(i32),
    /// How it ended could not be learnt.
    Lost,
    Killed,
}

impl Status {
    /// Claude Code's word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Exited(0) => "completed",
            Self::Exited(_) | Self::Lost => "failed",
            Self::Killed => "killed",
        }
    }
}

/// What a shell wrote since it was last looked at.
#[derive(Debug)]
pub(super) struct News {
    pub(super) status: Status,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// How much of what is new is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    All,
    /// Whole lines; the rest of a line that is still being written stays for the next time.
    Lines,
}

impl Shells {
    /// Forgets a shell that has ended, where another one would be too many. To be called before a command is started.
    ///
    /// # Errors
    /// [`ToolError`] when too many run already, or the session is closed.
    pub(super) fn make_room(&self) -> Result<(), ToolError> {
        let mut table = self.table();
        if table.is_closed { Err(ToolError::Cancelled) } else { table.make_room() }
    }

    /// Watches a command from now on, until it ends, `cancel` fires or the session is closed. Gives its id.
    ///
    /// # Errors
    /// [`ToolError`] as for [`Self::make_room`]; the command is ended then.
    pub(super) fn start(
        &self,
        command: &str,
        tree: ProcessTree,
        cancel: CancellationToken,
    ) -> Result<String, ToolError> {
        let mut table = self.table();
        if table.is_closed {
            return Err(ToolError::Cancelled);
        }
        table.make_room()?;
        table.count += 1;
        let id = format!("bash_{}", table.count);
        let state = Arc::new(Mutex::new(State::new()));
        let watcher =
            AbortOnDropHandle::new(Handle::current().spawn(follow(tree, Arc::clone(&state), cancel)));
        table.shells.push_back(Shell { id: id.clone(), command: command.to_owned(), state, watcher });
        Ok(id)
    }

    /// What is new of a shell.
    ///
    /// # Errors
    /// [`ToolError::Input`] in Claude Code's words when there is no such shell.
    pub(super) fn news(&self, id: &str, take: Take) -> Result<News, ToolError> {
        let table = self.table();
        let mut state = locked(&table.find(id)?.state);
        Ok(state.news(take))
    }

    /// Ends a shell, and gives its command.
    ///
    /// # Errors
    /// [`ToolError::Input`] in Claude Code's words when there is no such shell, or it has ended.
    pub(super) fn kill(&self, id: &str) -> Result<String, ToolError> {
        let table = self.table();
        let shell = table.find(id)?;
        let mut state = locked(&shell.state);
        if state.status != Status::Running {
            let status = state.status.as_str();
            return Err(ToolError::Input(format!(
                "Shell {id} is not running, so cannot be killed (status: {status})"
            )));
        }
        state.status = Status::Killed;
        shell.watcher.abort();
        Ok(shell.command.clone())
    }

    /// Ends all shells and forgets them; none is started any more.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.is_closed = true;
        table.shells.clear();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        locked(&self.table)
    }
}

impl fmt::Debug for Shells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table();
        f.debug_list().entries(table.shells.iter().map(|shell| &shell.id)).finish()
    }
}

impl Table {
    fn find(&self, id: &str) -> Result<&Shell, ToolError> {
        let found = self.shells.iter().find(|shell| shell.id == id);
        found.ok_or_else(|| {
            let ids: Vec<&str> = self.shells.iter().map(|shell| shell.id.as_str()).collect();
            let known = if ids.is_empty() { "none is there".to_owned() } else { ids.join(", ") };
            ToolError::Input(format!("No shell found with ID: {id} (shells: {known})"))
        })
    }

    /// Forgets the oldest shell that has ended, where there are too many.
    fn make_room(&mut self) -> Result<(), ToolError> {
        if self.shells.len() < SHELLS_MAX {
            return Ok(());
        }
        let ended = self.shells.iter().position(|shell| locked(&shell.state).status != Status::Running);
        match ended {
            Some(index) => {
                self.shells.remove(index);
                Ok(())
            }
            None => Err(ToolError::Failed(format!(
                "{SHELLS_MAX} commands run in the background already. End one with KillShell first."
            ))),
        }
    }
}

impl State {
    fn new() -> Self {
        let output = || HeadTail::new(OUTPUT_CHARS_MAX);
        Self { status: Status::Running, stdout: output(), stderr: output() }
    }

    fn news(&mut self, take: Take) -> News {
        let take = if self.status == Status::Running { take } else { Take::All };
        let Self { status, stdout, stderr } = self;
        News { status: *status, stdout: taken(stdout, take), stderr: taken(stderr, take) }
    }
}

fn taken(output: &mut HeadTail, take: Take) -> String {
    let text = mem::replace(output, HeadTail::new(OUTPUT_CHARS_MAX)).text(OUTPUT_CHARS_MAX);
    match (take, text.rfind('\n').map_or(0, |end| end + 1)) {
        (Take::All, _) => text,
        (Take::Lines, end) => {
            output.push(text.get(end..).unwrap_or_default().as_bytes());
            text.get(..end).unwrap_or_default().to_owned()
        }
    }
}

/// Which of a shell's streams a [`Writer`] writes to.
#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// Writes what comes to a shell's state.
struct Writer {
    state: Arc<Mutex<State>>,
    stream: Stream,
}

impl Sink for Writer {
    fn push(&mut self, bytes: &[u8]) {
        let mut state = locked(&self.state);
        match self.stream {
            Stream::Stdout => state.stdout.push(bytes),
            Stream::Stderr => state.stderr.push(bytes),
        }
    }
}

/// Follows a command to its end. Dropping the future ends the command.
async fn follow(tree: ProcessTree, state: Arc<Mutex<State>>, cancel: CancellationToken) {
    let writer = |stream| Writer { state: Arc::clone(&state), stream };
    let (mut stdout, mut stderr) = (writer(Stream::Stdout), writer(Stream::Stderr));
    let status = tokio::select! {
        biased;
        () = cancel.cancelled() => Status::Killed,
        ended = watch(tree, FOREVER, &mut stdout, &mut stderr) => {
            if let Some(left) = ended.as_ref().ok().and_then(|(_, aftermath)| aftermath.for_model()) {
                stderr.push(format!("{left}\n").as_bytes());
            }
            status_of(&ended)
        }
    };
    let mut state = locked(&state);
    if state.status == Status::Running {
        state.status = status;
    }
}

fn status_of(ended: &io::Result<(Ended, Aftermath)>) -> Status {
    match ended {
        Ok((Ended::Exited(status), _)) => Status::Exited(exit_code(*status)),
        Ok((Ended::TimedOut, _)) | Err(_) => Status::Lost,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "shells_tests.rs"]
mod tests;
