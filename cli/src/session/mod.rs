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
mod work;

use std::future::Future;
use std::sync::Arc;

use codex_task::RuntimeHandle;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;
use crate::render::Terminal;
use crate::run::OutputArgs;
use follow::Ending;
use progress::Progress;

pub(crate) use json::print as print_json;
pub(crate) use notices::{announce, problem_sentence, warn, warn_of};
pub(crate) use work::Work;

/// Does the work and prints what comes of them.
///
/// # Errors
/// A [`Fault`] when there is no runtime to take the tasks; tasks that fail are no error.
pub(crate) async fn run(
    handle: &RuntimeHandle,
    work: Work,
    output: OutputArgs,
    terminal: &mut Terminal,
    interrupts: &mut Interrupts,
) -> Result<Exit, Fault> {
    let mut progress = Progress::new(output, &work.requests(), handle, terminal);
    progress.begin(handle, terminal);
    let mut desk = terminal.desk.take();
    if let Some(desk) = &mut desk {
        desk.believe(&handle.settings().trusted);
    }
    match follow::follow(handle, work, progress, terminal, (interrupts, &mut desk)).await? {
        Ending::Collected { report, is_interrupted } => {
            results::print(&report, output, handle, terminal);
            Ok(if is_interrupted { Exit::Interrupted } else { results::exit(&report) })
        }
        Ending::ReaderGone => Ok(Exit::Success),
        Ending::AtOnce => Ok(Exit::Interrupted),
    }
}

/// Stops the runtime; who interrupts does not wait for it.
pub(crate) async fn end(handle: RuntimeHandle, interrupts: &mut Interrupts) {
    let recorder = handle.recorder().map(Arc::clone);
    tokio::select! {
        _ = handle.shutdown() => {
            if let Some(recorder) = recorder {
                recorder.close();
            }
        }
        () = interrupts.next() => {}
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
