//! `codex-task commands`: the slash commands of the project, the user and the program.

mod list;

use clap::Subcommand;

use crate::exit::Exit;
use crate::host::Host;

pub(crate) use list::{ListForm, list};

/// Lists slash commands (`.claude/commands/**/*.md`).
#[derive(Subcommand, Debug)]
pub(crate) enum CommandsCommand {
    List(list::ListArgs),
}

/// Does what the subcommand says.
pub(crate) fn run(command: &CommandsCommand, host: &mut Host) -> Exit {
    match command {
        CommandsCommand::List(args) => {
            if args.plain {
                host.terminal.make_plain();
            }
            list(args.form(), host)
        }
    }
}
