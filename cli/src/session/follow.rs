//! Waits for tasks and for whoever interrupts them, and shows events in between.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use codex_task::{BoardState, RunReport, RuntimeHandle, TaskId};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::MissedTickBehavior;

use super::asking;
use super::progress::Progress;
use crate::approve::Desk;
use crate::fault::Fault;
use crate::interrupt::{Interruption, Interrupts};
use crate::render::Terminal;
use crate::render::figures::{counted, duration};

/// Time between two frames of a live display.
pub(crate) const FRAME: Duration = Duration::from_millis(120);

/// How the wait for the tasks ended.
pub(crate) enum Ending<T> {
    /// Every task has ended.
    Collected {
        /// What came of them.
        report: T,
        /// Who asked them to, if anybody.
        interrupted_by: Option<Interruption>,
    },
    /// Nobody reads the output any longer.
    ReaderGone,
    /// Interrupted for the second time: nothing is waited for.
    AtOnce(Interruption),
}

/// What comes of tasks, with their reports.
pub(crate) trait Collected {
    /// The reports.
    fn report(&self) -> &RunReport;
}

impl Collected for RunReport {
    fn report(&self) -> &RunReport {
        self
    }
}

/// Waits for what is being done with tasks of these ids. Ctrl-C cancels them; SIGTERM lets running ones go on for a
/// while, and no other begins. A second signal of either kind ends the wait.
pub(super) async fn follow<T: Collected>(
    handle: &RuntimeHandle,
    ids: &[TaskId],
    doing: impl Future<Output = Result<T, Fault>>,
    mut progress: Progress,
    terminal: &mut Terminal,
    (interrupts, desk): (&mut Interrupts, &mut Option<Desk>),
) -> Result<Ending<T>, Fault> {
    let mut events = handle.events();
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut collected = std::pin::pin!(doing);
    let mut draining: Pin<Box<dyn Future<Output = usize>>> = Box::pin(std::future::pending());
    let mut interrupted_by = None;
    let report = loop {
        tokio::select! {
            biased;
            came = interrupts.next() => {
                if let Some(first) = interrupted_by {
                    progress.finish(None, terminal);
                    return Ok(Ending::AtOnce(first));
                }
                interrupted_by = Some(came);
                match came {
                    Interruption::Interrupt => {
                        progress.say("Interrupted:", &interrupted(handle), terminal);
                        cancel(handle, ids).await;
                    }
                    Interruption::Terminate => {
                        progress.say("Terminating:", &terminating(handle), terminal);
                        draining = Box::pin(handle.drain(handle.settings().limits.drain_timeout));
                    }
                }
            }
            _ = &mut draining => draining = Box::pin(std::future::pending()),
            event = events.recv() => match event {
                Ok(event) => progress.show(&event, terminal),
                Err(RecvError::Lagged(missed)) => progress.missed(missed, terminal),
                // The bus lives as long as the handle.
                Err(RecvError::Closed) => {}
            },
            turn = asking::next(desk) => asking::show(turn, desk, Some(&mut progress), terminal),
            report = &mut collected => match (report, interrupted_by) {
                (Ok(report), _) => break report,
                // Asked to end before the tasks were taken.
                (Err(_), Some(came)) => return Ok(Ending::AtOnce(came)),
                (Err(fault), None) => return Err(fault),
            },
            _ = frames.tick(), if progress.is_live() || interrupted_by.is_some() => {
                progress.tick();
                if interrupted_by == Some(Interruption::Interrupt) {
                    // A task that was on its way to the supervisor is cancelled when it has arrived.
                    cancel(handle, ids).await;
                }
            }
        }
        if terminal.out.is_closed() {
            cancel(handle, ids).await;
            return Ok(Ending::ReaderGone);
        }
    };
    loop {
        match events.try_recv() {
            Ok(event) => progress.show(&event, terminal),
            Err(TryRecvError::Lagged(missed)) => progress.missed(missed, terminal),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    progress.finish(Some(report.report()), terminal);
    Ok(Ending::Collected { report, interrupted_by })
}

async fn cancel(handle: &RuntimeHandle, tasks: &[TaskId]) {
    for task in tasks {
        handle.cancel(*task).await;
    }
}

fn interrupted(handle: &RuntimeHandle) -> String {
    let tasks = counted(handle.board().len(), "task");
    format!("{tasks} will be cancelled and what exists is printed; once more ends at once")
}

/// What is said when SIGTERM has come.
pub(crate) fn terminating(handle: &RuntimeHandle) -> String {
    let running = |state: BoardState| matches!(state, BoardState::Running { .. });
    let tasks = counted(handle.board().iter().filter(|entry| running(entry.state)).count(), "running task");
    let grace = duration(handle.settings().limits.drain_timeout);
    format!("no task begins any longer, {tasks} may go on for {grace}; once more ends at once")
}
