//! Asking on the terminal: one question at a time, from however many agents, and what becomes of the answers.

mod answer;
mod desk;
mod keyboard;
mod project_rules;
mod question;
mod words;

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::ValueEnum;
use codex_task::Approver;
use codex_task_config::workspace_root;

pub(crate) use desk::{Desk, Turn};
pub(crate) use keyboard::Keyboard;
pub(crate) use words::{Words, asked as words_of};

use crate::fault::Fault;
use crate::host::Host;
use crate::run::OutputArgs;
use question::TerminalApprover;

/// Who is asked about calls that need a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ask {
    /// Nobody: what would be asked for is refused
    Never,
    /// You, at the terminal
    Terminal,
}

/// Puts a desk before the terminal where somebody sits there, and gives what sends questions to it.
///
/// # Errors
/// A [`Fault`] when the terminal is asked for by name and there is none.
pub(crate) fn set_up(
    ask: Option<Ask>,
    output: OutputArgs,
    host: &mut Host,
) -> Result<Option<Arc<dyn Approver>>, Fault> {
    let is_there = host.terminal.err.is_terminal() && has_keyboard(host);
    let is_for_people = !output.json && !output.jsonl && !output.quiet;
    match ask {
        Some(Ask::Never) => return Ok(None),
        Some(Ask::Terminal) if !is_there => {
            return Err(Fault::new("nobody can be asked on this terminal")
                .because("standard input and standard error must both be a terminal")
                .suggest(
                    "leave --ask out: what would be asked for is then refused, and the report says so",
                ));
        }
        None if !(is_there && is_for_people) => return Ok(None),
        Some(Ask::Terminal) | None => {}
    }
    let cwd = host.environment.cwd();
    let root = workspace_root(cwd);
    // A second reader of the same keyboard would take every other line: the next run goes on with the one there is.
    let kept = host.terminal.desk.take().map(Desk::into_keyboard);
    let keyboard = kept.or_else(|| host.keyboard.take()).unwrap_or_else(Keyboard::of_process);
    let (approver, questions) = TerminalApprover::new();
    host.terminal.desk = Some(Desk::new(questions, keyboard, root));
    Ok(Some(Arc::new(approver)))
}

fn has_keyboard(host: &Host) -> bool {
    host.keyboard.is_some() || std::io::stdin().is_terminal()
}
