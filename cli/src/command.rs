//! The command line as a whole.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::run::{self, RunArgs};
use crate::{
    agents, app_server, audit, commands, demo, doctor, exec, gate, install, logging, mcp, runs, trust,
};

/// Where options of all commands stand in a help: behind those of the command itself.
const LAST: usize = 900;

/// Claude Code's subagents, side by side, on any model.
///
/// Runs the agents of `.claude/agents/*.md` in parallel, each in its own context with only its own tools.
#[derive(Parser, Debug)]
#[command(name = "codex-task", version, propagate_version = true)]
struct Arguments {
    /// Writes a log to stderr: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", display_order = LAST)]
    log: Option<String>,
    /// Writes the log as lines for people or as JSON, at the level info unless --log says another
    #[arg(long, global = true, value_name = "FORMAT", display_order = LAST)]
    log_format: Option<logging::LogFormat>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Run(Box<RunArgs>),
    Exec(Box<exec::ExecArgs>),
    Codex(Box<app_server::CodexArgs>),
    #[command(subcommand)]
    Agents(agents::AgentsCommand),
    #[command(subcommand)]
    Commands(commands::CommandsCommand),
    #[command(subcommand)]
    Gate(gate::GateCommand),
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    Trust(trust::TrustArgs),
    Doctor(doctor::DoctorArgs),
    Mcp(mcp::McpArgs),
    #[command(subcommand)]
    Install(install::InstallCommand),
    Demo(demo::DemoArgs),
}

/// Does what the arguments say and tells how it ended.
pub(crate) fn execute(arguments: impl IntoIterator<Item = OsString>, host: &mut Host) -> Exit {
    let done = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => dispatch(arguments, host),
        Err(error) => not_understood(&error, host),
    };
    let exit = match done {
        Ok(exit) => exit,
        Err(fault) => fault.report(&mut host.terminal),
    };
    match host.terminal.out.finish() {
        Some(error) => Fault::new("the output could not be written")
            .because(error.to_string())
            .suggest("check the disk or the program that reads the output")
            .report(&mut host.terminal),
        None => exit,
    }
}

fn dispatch(arguments: Arguments, host: &mut Host) -> Result<Exit, Fault> {
    logging::start(arguments.log.as_deref(), arguments.log_format, host.terminal.can_redraw())?;
    match arguments.command {
        Command::Run(args) => {
            if args.output.plain {
                host.terminal.make_plain();
            }
            run::run(&args, host)
        }
        Command::Exec(args) => exec::run(&args, host),
        Command::Codex(args) => app_server::run(&args, host),
        Command::Commands(command) => Ok(commands::run(&command, host)),
        Command::Agents(command) => agents::run(command, host),
        Command::Gate(command) => gate::run(&command, host),
        Command::Runs(command) => runs::run(command, host),
        Command::Audit(command) => audit::run(command, host),
        Command::Trust(args) => trust::run(&args, host),
        Command::Doctor(args) => doctor::run(args, host),
        Command::Install(command) => install::run(command, host),
        Command::Mcp(args) => mcp::run(&args, host),
        Command::Demo(args) => demo::run(&args, host),
    }
}

/// Help is data; everything else that clap says becomes our four lines.
fn not_understood(error: &clap::Error, host: &mut Host) -> Result<Exit, Fault> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            host.terminal.out.verbatim(&error.render().to_string());
            Ok(Exit::Success)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            host.terminal.err.verbatim(&error.render().to_string());
            Ok(Exit::Failure)
        }
        _ => Err(Fault::new("the command line cannot be read")
            .because(complaint(error))
            .suggest(advice(error))),
    }
}

/// Clap's own first line, without its label.
fn complaint(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let text = lines.collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

fn advice(error: &clap::Error) -> String {
    let meant = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            // Clap puts the nearest last.
            Some(ContextValue::Strings(texts)) => texts.last().cloned(),
            Some(_) | None => None,
        });
    match meant {
        Some(meant) => format!("did you mean '{meant}'? See --help"),
        None => "see --help for what can be written".to_owned(),
    }
}
