//! `codex-task agents`: what is in `.claude/agents`, what is wrong with it, and new files.

mod hooks;
mod list;
mod new;
mod rights;
mod show;
mod validate;

use clap::{Args, Subcommand};
use codex_task::Environment;
use codex_task_config::{
    AgentRegistry, AgentSource, AgentSources, LoadedSettings, Settings, SettingsOverrides,
};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;

/// Lists, shows, checks and makes agent files.
#[derive(Subcommand, Debug)]
pub(crate) enum AgentsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Validate(validate::ValidateArgs),
    New(new::NewArgs),
}

/// Where agents come from beside the files.
#[derive(Args, Clone, Debug, Default)]
struct SourceArgs {
    /// Agents as JSON, as Claude Code takes them; they come before all files
    #[arg(long, value_name = "JSON")]
    agents: Option<String>,
}

/// Does what the subcommand says.
pub(crate) fn run(command: AgentsCommand, host: &mut Host) -> Result<Exit, Fault> {
    match command {
        AgentsCommand::List(args) => Ok(list::run(&args, host)),
        AgentsCommand::Show(args) => show::run(&args, host),
        AgentsCommand::Validate(args) => validate::run(&args, host),
        AgentsCommand::New(args) => new::run(&args, host),
    }
}

/// The settings and the agents of the working directory.
fn load(sources: &SourceArgs, environment: &Environment) -> (LoadedSettings, AgentRegistry) {
    let loaded = Settings::load(environment, &SettingsOverrides::default());
    let sources =
        AgentSources { command_line_json: sources.agents.clone(), strict: loaded.settings.strict_agents };
    let registry = AgentRegistry::load(environment, &sources);
    (loaded, registry)
}

/// Where an agent comes from, in a word.
fn shown_source(source: AgentSource) -> &'static str {
    match source {
        AgentSource::BuiltIn => "built-in",
        AgentSource::User => "user",
        AgentSource::Project => "project",
        AgentSource::CommandLine => "command line",
    }
}
