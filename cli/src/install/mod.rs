//! `codex-task install`: writes the lines that a client needs to start our MCP server, and takes them out again. Nothing
//! else in the client's file changes.

mod claude;
mod codex;
mod command;
mod config_file;
mod skills;
mod toml_cut;
mod variables;

pub(crate) use codex::is_in_codex;

use clap::{Args, Subcommand};
use codex_task::PermissionMode;
use codex_task_config::CommandRegistry;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::{Style, shown_path};
use crate::{run, session};
use command::ServerCommand;
use config_file::ConfigFile;
use skills::{Skills, Written};

/// Makes the Task tool available in another program.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum InstallCommand {
    /// In Codex: writes the server `task` to `$CODEX_HOME/config.toml` (`~/.codex/config.toml`), and a skill for each slash
    /// command
    Codex(InstallArgs),
    /// In Claude Code, and other clients that read it: writes the server `task` to the project's `.mcp.json`
    Claude(InstallArgs),
}

/// How it is installed.
#[derive(Args, Clone, Debug)]
pub(crate) struct InstallArgs {
    /// Shows the lines and writes nothing
    #[arg(long, conflicts_with = "uninstall")]
    print: bool,
    /// Takes the lines out again
    #[arg(long)]
    uninstall: bool,
    /// Replaces a server of another program that is called `task` too
    #[arg(long)]
    force: bool,
    /// What happens to agents' tool calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = run::permission_mode, conflicts_with = "uninstall")]
    permission_mode: Option<PermissionMode>,
}

/// Where a client keeps its servers, and how an entry is written there.
trait Client {
    /// The client's name for people.
    const NAME: &str;

    /// The entry alone, as it would be written.
    fn entry(&self, command: &ServerCommand) -> String;

    /// The file's text with the entry in it; what was tuned by hand in an entry of ours stays.
    fn install(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault>;

    /// The file's text without our entry.
    fn uninstall(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault>;
}

/// What happens to an entry of our name that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takeover {
    /// It stays, and nothing is written.
    Refused,
    /// It is treated as ours.
    Forced,
}

/// Does what the arguments say.
pub(crate) fn run(command: InstallCommand, host: &mut Host) -> Result<Exit, Fault> {
    match command {
        InstallCommand::Codex(args) => {
            let client = codex::Codex::new(&host.environment);
            let path = codex::path(&host.environment)?;
            let exit = edit(&client, &path, &args, host)?;
            if !args.print {
                edit_skills(&Skills::beside(&path), &args, host)?;
            }
            Ok(exit)
        }
        InstallCommand::Claude(args) => {
            let path = claude::path(&host.environment);
            edit(&claude::Claude, &path, &args, host)
        }
    }
}

fn edit<C: Client>(
    client: &C,
    path: &std::path::Path,
    args: &InstallArgs,
    host: &mut Host,
) -> Result<Exit, Fault> {
    let takeover = if args.force { Takeover::Forced } else { Takeover::Refused };
    let command = ServerCommand::of_process(args.permission_mode)?;
    if args.print {
        host.terminal.out.verbatim(&client.entry(&command));
        return Ok(Exit::Success);
    }
    let file = ConfigFile::read(path)?;
    let new_text = if args.uninstall {
        client.uninstall(&file, &command, takeover)?
    } else {
        client.install(&file, &command, takeover)?
    };
    let shown = shown_path(path, &host.environment);
    if new_text == file.text() {
        let state = if args.uninstall { "is not there" } else { "is there already" };
        host.terminal.err.line(format!("The Task tool {state}: {shown} stays as it is."));
        return Ok(Exit::Success);
    }
    let backup = file.write(&new_text)?;
    host.terminal.out.line(shown.as_str());
    if let Some(backup) = backup {
        let shown = shown_path(&backup, &host.environment);
        host.terminal.err.wrapped(Style::Dim, &format!("The file as it was before is kept as {shown}."));
    }
    host.terminal.err.wrapped(Style::Plain, &next_step(C::NAME, args));
    if !args.uninstall && command.is_of_build() {
        let advice =
            "the command lies in a build directory; `cargo install --path cli` gives it a place to stay";
        session::warn(advice, &mut host.terminal);
    }
    Ok(Exit::Success)
}

/// Makes slash commands usable there, which has none.
fn edit_skills(skills: &Skills, args: &InstallArgs, host: &mut Host) -> Result<(), Fault> {
    let shown = shown_path(skills.path(), &host.environment);
    if args.uninstall {
        let removed = skills.uninstall()?.changed;
        if !removed.is_empty() {
            let text = format!("Removed from {shown}: {}.", removed.join(", "));
            host.terminal.err.wrapped(Style::Plain, &text);
        }
        return Ok(());
    }
    let Written { changed, taken, .. } = skills.install(&CommandRegistry::load(&host.environment))?;
    if !changed.is_empty() {
        let names: Vec<String> = changed.iter().map(|name| format!("${name}")).collect();
        let text = format!("Slash commands as skills in {shown}: {}.", names.join(", "));
        host.terminal.err.wrapped(Style::Plain, &text);
    }
    for name in taken {
        session::warn(
            &format!("the skill '{name}' in {shown} is not ours and stays as it is"),
            &mut host.terminal,
        );
    }
    Ok(())
}

fn next_step(client: &str, args: &InstallArgs) -> String {
    if args.uninstall {
        return format!("{client} no longer offers the Task tool.");
    }
    let rights = match args.permission_mode {
        Some(mode) => {
            format!("Their tool calls that no rule names are judged by the mode {}.", mode.as_str())
        }
        None => "They read what is in the workspace; what they may change or run, the rules in \
                 .claude/settings.json say once you trust the folder (`codex-task trust`), or `--permission-mode acceptEdits` here."
            .to_owned(),
    };
    format!(
        "{client} offers the Task tool from its next start on. It runs the agents of .claude/agents. {rights}"
    )
}
