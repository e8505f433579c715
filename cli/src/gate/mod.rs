//! `codex-task gate`: what the gate says to a call, and files of calls with the verdicts that they must get.

mod call;
mod cases;
mod explain;
mod place;

use clap::Subcommand;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;

pub(crate) use call::Call;
pub(crate) use place::{Place, session_rights};

/// Explains and tests what the permission rules allow.
#[derive(Subcommand, Debug)]
pub(crate) enum GateCommand {
    Explain(explain::ExplainArgs),
    Test(cases::TestArgs),
}

/// Does what the subcommand says. Nothing of what is asked about runs.
pub(crate) fn run(command: &GateCommand, host: &mut Host) -> Result<Exit, Fault> {
    match command {
        GateCommand::Explain(args) => explain::run(args, host),
        GateCommand::Test(args) => cases::run(args, host),
    }
}
