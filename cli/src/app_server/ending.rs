//! What came of a turn.

use std::sync::Arc;
use std::time::Duration;

use codex_task::json::TaskJson;
use codex_task::{RunId, RunReport, RuntimeHandle, TaskReport};
use serde::Serialize;
use serde_json::Value;

use super::message::at;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interruption;
use crate::render::figures::{duration, summary, thousands};
use crate::render::{Style, Terminal};
use crate::run::OutputArgs;
use crate::session;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Completed,
    Interrupted,
    Failed { cause: String },
}

/// See the module.
pub(super) struct Ending {
    pub(super) status: Status,
    /// What Codex's model has said last.
    pub(super) answer: String,
    pub(super) thread: String,
    pub(super) model: String,
    /// Tokens of Codex's own model, in Codex's words.
    pub(super) usage: Value,
    /// The tasks of this turn, in the order in which they ended.
    pub(super) tasks: Vec<Arc<TaskReport>>,
    pub(super) took: Duration,
    pub(super) interrupted_by: Option<Interruption>,
}

/// The shape that other programs rely on.
#[derive(Serialize)]
struct EndingJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    status: &'static str,
    thread_id: &'a str,
    model: &'a str,
    answer: &'a str,
    error: Option<&'a str>,
    usage: &'a Value,
    tasks: Vec<TaskJson>,
    ms: u128,
}

impl Ending {
    /// Prints it, and says how the command ends.
    ///
    /// # Errors
    /// A [`Fault`] when the turn failed.
    pub(super) fn print(
        self,
        handle: &RuntimeHandle,
        output: OutputArgs,
        terminal: &mut Terminal,
    ) -> Result<Exit, Fault> {
        if output.json || output.jsonl {
            session::print_json(&self.json(output), terminal);
        } else {
            if !self.answer.trim().is_empty() {
                terminal.out.block(&self.answer);
            }
            // Codex's model had no time to make something of them.
            if self.interrupted_by.is_some() && !self.tasks.is_empty() {
                session::print_reports(&self.report(), output, terminal);
            }
        }
        if !output.quiet {
            self.print_figures(handle, terminal);
        }
        match (self.interrupted_by, self.status) {
            (Some(came), _) => Ok(came.into()),
            (None, Status::Completed) => Ok(Exit::Success),
            (None, Status::Interrupted) => Err(Fault::new("Codex's turn was interrupted")
                .because("somebody else has ended it")
                .suggest("try again")),
            (None, Status::Failed { cause }) => Err(Fault::new("Codex's turn failed")
                .because(cause)
                .suggest("see whether `codex exec` works in this directory, then try again")),
        }
    }

    fn json(&self, output: OutputArgs) -> EndingJson<'_> {
        let (status, error) = match &self.status {
            Status::Completed => ("completed", None),
            Status::Interrupted => ("interrupted", None),
            Status::Failed { cause } => ("failed", Some(cause.as_str())),
        };
        EndingJson {
            event: output.jsonl.then_some("turn_finished"),
            status,
            thread_id: &self.thread,
            model: &self.model,
            answer: &self.answer,
            error,
            usage: &self.usage,
            tasks: self.tasks.iter().map(|task| TaskJson::from(&**task)).collect(),
            ms: self.took.as_millis(),
        }
    }

    /// `Codex: 12,345 tokens, 14.2 s`, and the figures of the tasks.
    fn print_figures(&self, handle: &RuntimeHandle, terminal: &mut Terminal) {
        let tokens =
            at(&self.usage, "/totalTokens").as_u64().map(|tokens| format!("{} tokens, ", thousands(tokens)));
        let text = format!("Codex: {}{}", tokens.unwrap_or_default(), duration(self.took));
        terminal.err.wrapped(Style::Dim, &text);
        if !self.tasks.is_empty() {
            let report = self.report();
            terminal.err.wrapped(Style::Dim, &summary(&report, session::is_scripted(&report, handle)));
        }
    }
    /// The tasks. Each call of Task is a run of its own; for people they are one.
    fn report(&self) -> RunReport {
        RunReport { run: RunId::new(), tasks: self.tasks.clone(), nested: Vec::new(), total: self.took }
    }
}
