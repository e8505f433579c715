//! A set of tasks from the request to the last line on the screen: progress while they run, results when they end.
//! `run` and `demo` share it.

mod asking;
mod follow;
mod json;
mod label;
mod lines;
mod live;
mod notices;
mod progress;
mod results;

use std::future::Future;
use std::sync::Arc;

use codex_task::{RuntimeHandle, TaskId, TaskRequest};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;
use crate::render::Terminal;
use crate::run::OutputArgs;

pub(crate) use asking::{attend, desk, next as next_turn, show as show_turn};
pub(crate) use follow::{Collected, Ending, FRAME, terminating};
pub(crate) use json::print as print_json;
pub(crate) use notices::{announce, problem_sentence, warn, warn_of};
pub(crate) use progress::Progress;
pub(crate) use results::{exit, is_scripted, print, print_asides, print_reports};

/// Runs the tasks and prints what comes of them.
///
/// # Errors
/// A [`Fault`] when there is no runtime to take the tasks; tasks that fail are no error.
pub(crate) async fn run(
    handle: &RuntimeHandle,
    tasks: Vec<TaskRequest>,
    output: OutputArgs,
    terminal: &mut Terminal,
    interrupts: &mut Interrupts,
) -> Result<Exit, Fault> {
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let known = tasks.clone();
    let doing = async { handle.run_all(tasks).await.map_err(|error| no_runtime(&error)) };
    match watch(handle, (&known, &ids), doing, output, terminal, interrupts).await? {
        Ending::Collected { report, interrupted_by } => {
            results::print(&report, output, handle, terminal);
            Ok(interrupted_by.map_or_else(|| results::exit(&report), Exit::from))
        }
        Ending::ReaderGone => Ok(Exit::Success),
        Ending::AtOnce(came) => Ok(came.into()),
    }
}

/// Waits for what is being done with tasks, and shows what they do meanwhile. `tasks` are those that are known from the
/// beginning, and the ids those that an interruption cancels.
///
/// # Errors
/// What `doing` gives.
pub(crate) async fn watch<T: Collected>(
    handle: &RuntimeHandle,
    (tasks, ids): (&[TaskRequest], &[TaskId]),
    doing: impl Future<Output = Result<T, Fault>>,
    output: OutputArgs,
    terminal: &mut Terminal,
    interrupts: &mut Interrupts,
) -> Result<Ending<T>, Fault> {
    let mut progress = Progress::new(output, tasks, handle, terminal);
    progress.begin(handle, terminal);
    let mut desk = asking::desk(handle, terminal);
    let ending = follow::follow(handle, ids, doing, progress, terminal, (interrupts, &mut desk)).await;
    terminal.desk = desk;
    ending
}

/// There is nothing that could take tasks.
pub(crate) fn no_runtime(error: &impl std::fmt::Display) -> Fault {
    Fault::internal("the tasks were not run").because(error.to_string())
}

/// Stops the runtime, and says so if something is not on record; who interrupts does not wait for it.
pub(crate) async fn end(handle: RuntimeHandle, terminal: &mut Terminal, interrupts: &mut Interrupts) {
    let recorder = handle.recorder().map(Arc::clone);
    tokio::select! {
        _ = handle.shutdown() => {}
        _ = interrupts.next() => return,
    }
    let Some(recorder) = recorder else { return };
    recorder.close();
    if let Some(error) = recorder.failure() {
        let text = format!("what ran is not completely on record, and cannot be resumed as it was: {error}");
        warn(&text, terminal);
    }
}

/// Runs a future of the command on this thread. What is still running when it ends is left behind, so that a second
/// Ctrl-C ends the command at once.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::internal("the command could not start").because(error.to_string()))?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}
