//! Records that are written together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use codex_task_actors::{AuditAck, AuditRecord};
use codex_task_config::AgentRegistry;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::line::Stamp;

/// Longest time that a record waits for others, when nothing depends on it.
const GATHER: Duration = Duration::from_millis(50);
/// Most records of one write.
const RECORDS_MAX: usize = 1_024;

/// What the writer is asked.
pub(super) enum Command {
    /// Keep this.
    Record(Entry),
    /// Say when everything so far is written.
    Flush(oneshot::Sender<()>),
    /// Write what is there, then end.
    Close,
}

/// Something that has happened, and when.
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    pub(super) what: What,
    /// Who waits until it is on disk.
    pub(super) ack: Option<AuditAck>,
}

/// What has happened.
pub(super) enum What {
    /// To a task.
    Task(AuditRecord),
    /// The agents were read.
    Agents(Arc<AgentRegistry>),
}

impl Entry {
    /// Whether it is written at once: something waits for it. The beginning of a task and the verdicts on its calls are on
    /// disk before its first effect all the same, since they stand before it.
    fn is_urgent(&self) -> bool {
        self.ack.is_some()
    }
}

/// Records of one write, in order.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    pub(super) closes: bool,
}

impl Batch {
    /// Waits for a first command, at most so long, then for those that come with it.
    pub(super) fn gather(commands: &Receiver<Command>, idle_max: Duration) -> Option<Self> {
        let mut batch = Self::default();
        let first = match commands.recv_timeout(idle_max) {
            Ok(command) => command,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Command::Close,
        };
        let mut is_urgent = batch.add(first);
        let until = Instant::now() + GATHER;
        while !batch.closes && batch.entries.len() < RECORDS_MAX {
            let wait =
                if is_urgent { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            match commands.recv_timeout(wait) {
                Ok(command) => is_urgent |= batch.add(command),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => batch.closes = true,
            }
        }
        Some(batch)
    }

    /// Adds a command; returns whether it cannot wait.
    fn add(&mut self, command: Command) -> bool {
        match command {
            Command::Record(entry) => {
                let is_urgent = entry.is_urgent();
                self.entries.push(entry);
                is_urgent
            }
            Command::Flush(done) => {
                self.flushes.push(done);
                true
            }
            Command::Close => {
                self.closes = true;
                true
            }
        }
    }
}
