//! `codex-task runs`: what ran, what it took, and going on with what was cut off.

mod cancel;
mod kept;
mod list;
mod resume;
mod show;
mod watch;

pub(crate) use kept::kept;
pub(crate) use resume::resume_here;

use clap::Subcommand;
use codex_task::store::{RecordState, Records, RunRecord, StoreError, TaskRecord};
use codex_task::{Environment, MicroUsd, TaskStatus, TokenUsage};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::Style;
use crate::render::clean::one_line;
use crate::render::figures::{counted, thousands};

/// Lists recorded runs, shows, watches and cancels them, and goes on with those that were cut off.
#[derive(Subcommand, Debug)]
pub(crate) enum RunsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Watch(watch::WatchArgs),
    Cancel(cancel::CancelArgs),
    Resume(resume::ResumeArgs),
}

/// Does what the subcommand says.
pub(crate) fn run(command: RunsCommand, host: &mut Host) -> Result<Exit, Fault> {
    match command {
        RunsCommand::List(args) => list::run(&args, host),
        RunsCommand::Show(args) => show::run(&args, host),
        RunsCommand::Watch(args) => watch::run(&args, host),
        RunsCommand::Cancel(args) => cancel::run(&args, host),
        RunsCommand::Resume(args) => resume::run(&args, host),
    }
}

/// The user's records.
fn records(environment: &Environment) -> Result<Records, Fault> {
    Records::of_user(environment).map_err(|error| unusable(&error))
}

fn unusable(error: &StoreError) -> Fault {
    let error_of = "the record of runs cannot be used";
    let cause = error.to_string();
    let cause = cause.strip_prefix(error_of).map_or(cause.as_str(), |rest| rest.trim_start_matches(": "));
    Fault::new(error_of).because(cause).suggest(error.help())
}

/// The one run with this id, or with these first or last digits.
fn find(records: &Records, id: &str) -> Result<RunRecord, Fault> {
    let mut found = records.find(id).map_err(|error| unusable(&error))?;
    match (found.pop(), found.len()) {
        (Some(run), 0) => Ok(run),
        (Some(_), others) => Err(Fault::new(format!("'{id}' is not one run"))
            .because(format!("{} runs begin or end like this", others + 1))
            .suggest("write more of its digits; `codex-task runs list --json` has all of them")),
        (None, _) => Err(Fault::new(format!("there is no run '{id}'"))
            .because("it was never recorded, or it is older than what is kept")
            .suggest("see `codex-task runs list`")),
    }
}

/// `worker (a change)`
fn title(task: &TaskRecord) -> String {
    let about = task.description.as_deref().map(|text| format!(" ({})", one_line(text))).unwrap_or_default();
    format!("{}{about}", one_line(&task.agent))
}

/// `2 turns, 1,234 tokens, $0.0012`
fn took_by(task: &TaskRecord) -> String {
    let turns = counted(usize::try_from(task.turns).unwrap_or(usize::MAX), "turn");
    format!("{turns}, {}", took(task.usage, task.cost))
}

/// Tokens, and what they cost where that is known.
fn took(usage: TokenUsage, cost: MicroUsd) -> String {
    let tokens = format!("{} tokens", thousands(usage.total_tokens()));
    if cost == MicroUsd::default() { tokens } else { format!("{tokens}, {cost}") }
}

/// A state in a word, and its style.
fn shown(state: RecordState) -> (&'static str, Style) {
    match state {
        RecordState::Running => ("running", Style::Plain),
        RecordState::Unfinished => ("unfinished", Style::Yellow),
        RecordState::Ended(TaskStatus::Completed) => ("completed", Style::Plain),
        RecordState::Ended(TaskStatus::Failed) => ("failed", Style::Red),
        RecordState::Ended(TaskStatus::TimedOut) => ("timed out", Style::Red),
        RecordState::Ended(TaskStatus::Cancelled) => ("cancelled", Style::Yellow),
        RecordState::Ended(TaskStatus::Crashed) => ("crashed", Style::Red),
    }
}
