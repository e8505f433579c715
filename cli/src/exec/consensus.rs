//! A consensus from its tasks to the last line on the screen.

use codex_task::json::ConsensusJson;
use codex_task::{Consensus, ConsensusRequest, RunReport, RuntimeHandle, TaskId};
use serde_json::json;

use super::document;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;
use crate::render::Terminal;
use crate::run::OutputArgs;
use crate::session::{self, Collected, Ending};

impl Collected for Consensus {
    fn report(&self) -> &RunReport {
        &self.report
    }
}

/// Asks, judges and prints.
pub(super) async fn run(
    request: ConsensusRequest,
    handle: &RuntimeHandle,
    output: OutputArgs,
    terminal: &mut Terminal,
    interrupts: &mut Interrupts,
) -> Result<Exit, Fault> {
    let tasks = request.requests();
    let ids: Vec<TaskId> = request.tasks.iter().copied().chain([request.judge]).collect();
    let doing = async { handle.consensus(request).await.map_err(|error| session::no_runtime(&error)) };
    match session::watch(handle, (&tasks, &ids), doing, output, terminal, interrupts).await? {
        Ending::Collected { report, interrupted_by } => {
            print(&report, output, handle, terminal);
            Ok(interrupted_by.map_or_else(|| exit(&report), Exit::from))
        }
        Ending::ReaderGone => Ok(Exit::Success),
        Ending::AtOnce(came) => Ok(came.into()),
    }
}

/// How the command ends after it.
pub(crate) fn exit(consensus: &Consensus) -> Exit {
    match consensus.verdict {
        Some(_) => Exit::Success,
        None => Exit::Failure,
    }
}

/// Prints it.
pub(crate) fn print(
    consensus: &Consensus,
    output: OutputArgs,
    handle: &RuntimeHandle,
    terminal: &mut Terminal,
) {
    if output.json {
        session::print_json(&ConsensusJson::from(consensus), terminal);
    } else if output.jsonl {
        session::print_json(
            &json!({"event": "consensus", "consensus": ConsensusJson::from(consensus)}),
            terminal,
        );
    } else {
        terminal.out.block(&document::verdict(consensus));
        let answers = document::answers(consensus);
        if !answers.is_empty() && (!output.quiet || consensus.verdict.is_none()) {
            terminal.out.block(&answers);
        }
    }
    for note in consensus.notes.iter().filter(|_| !output.quiet) {
        session::warn(note, terminal);
    }
    session::print_asides(&consensus.report, output, handle, terminal);
}
