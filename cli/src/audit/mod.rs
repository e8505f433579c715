//! `codex-task audit`: the audit trail, verified and read.

mod detail;
mod tail;
mod verify;

use clap::Subcommand;
use codex_task::Environment;
use codex_task::audit::{AuditPlace, AuditReadError};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::figures::thousands;

/// Verifies that the audit trail was not changed, and shows its newest lines.
#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    Verify(verify::VerifyArgs),
    Tail(tail::TailArgs),
}

/// Does what the subcommand says.
pub(crate) fn run(command: AuditCommand, host: &mut Host) -> Result<Exit, Fault> {
    match command {
        AuditCommand::Verify(args) => verify::run(&args, host),
        AuditCommand::Tail(args) => tail::run(&args, host),
    }
}

/// Where the user's trails are.
fn place(environment: &Environment) -> Result<AuditPlace, Fault> {
    AuditPlace::of_user(environment).ok_or_else(|| {
        Fault::new("there is no audit trail")
            .because("neither XDG_STATE_HOME nor HOME is set")
            .suggest("set XDG_STATE_HOME to the directory that the trail is in")
    })
}

fn unreadable(error: &AuditReadError) -> Fault {
    Fault::new("the audit trail cannot be read").because(error.to_string()).suggest(error.help())
}

/// What follows `the first` or `the last`: `line`, `12 lines`.
pub(crate) fn counted_lines(lines: u64) -> String {
    if lines == 1 { "line".to_owned() } else { format!("{} lines", thousands(lines)) }
}

/// The end of a session's name, as runs are named.
pub(crate) fn short(session: &str) -> String {
    let skipped = session.chars().count().saturating_sub(8);
    session.chars().skip(skipped).collect()
}
