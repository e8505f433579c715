//! From the arguments to what is asked for: a text, or a slash command that exists.

use std::sync::Arc;

use codex_task::Environment;
use codex_task_config::{
    CommandArguments, CommandCall, CommandDefinition, CommandRegistry, CommandSource, FolderTrust,
    Orchestration, Settings,
};

use super::args::ExecArgs;
use super::options::ConsensusOptions;
use crate::fault::{Fault, place_and_message};
use crate::host::Host;
use crate::render::shown_path;
use crate::run::RunOptions;
use crate::session;

/// What a user asks for.
pub(super) enum Asked {
    /// A text.
    Prompt(String),
    /// A slash command.
    Command {
        command: Arc<CommandDefinition>,
        arguments: CommandArguments,
        /// Who answers, where it is a question to several agents.
        consensus: Option<ConsensusOptions>,
    },
}

/// The text of the arguments, or of stdin.
///
/// # Errors
/// A [`Fault`] when there is none; `usage` says how it is given.
pub(crate) fn read(words: &[String], usage: &str, host: &mut Host) -> Result<String, Fault> {
    let text = match words {
        [] => host.read_stdin("the prompt")?,
        [word] if word == "-" => host.read_stdin("the prompt")?,
        [word] => word.clone(),
        // The shell has taken the quotes of `/command alpha "beta gamma"`.
        [first, rest @ ..] if first.starts_with('/') => {
            format!("{first} {}", CommandArguments::from_words(rest).text())
        }
        words => words.join(" "),
    };
    if text.trim().is_empty() {
        return Err(Fault::new("there is nothing to do").because("the prompt is empty").suggest(usage));
    }
    Ok(text)
}

impl Asked {
    /// Finds the command that a text calls; any other text is a prompt.
    pub(super) fn of(text: &str, environment: &Environment) -> Result<Self, Fault> {
        let Some(CommandCall { name, arguments }) = CommandCall::parse(text) else {
            return Ok(Self::Prompt(text.to_owned()));
        };
        let registry = CommandRegistry::load(environment);
        let Some(command) = registry.get(&name).cloned() else {
            return Err(no_command(&name, &registry, environment));
        };
        if command.orchestration == Orchestration::MainAgent {
            return Ok(Self::Command { command, arguments, consensus: None });
        }
        let wrong = |cause: String| {
            Fault::new(format!("/{name} cannot be run"))
                .because(cause)
                .suggest(format!("write /{name} QUESTION, or /{name} --agents a,b,c QUESTION"))
        };
        let (options, arguments) = ConsensusOptions::take(&arguments).map_err(wrong)?;
        if arguments.is_empty() && command.source == CommandSource::BuiltIn {
            return Err(wrong("there is no question".to_owned()));
        }
        Ok(Self::Command { command, arguments, consensus: Some(options) })
    }
}

fn no_command(name: &str, registry: &CommandRegistry, environment: &Environment) -> Fault {
    if let Some(entry) = registry.broken(name) {
        let problem = entry.problems.first();
        let cause = problem.map(|problem| {
            let path = entry.path.as_deref().map(|path| shown_path(path, environment)).unwrap_or_default();
            place_and_message(problem, &path)
        });
        return Fault::new(format!("/{name} cannot be used"))
            .because(cause.unwrap_or_default())
            .suggest("correct the file; `codex-task commands list` shows all commands");
    }
    let fault = Fault::new(format!("there is no command /{name}"))
        .because(format!(".claude/commands has no {}.md", name.replace(':', "/")));
    match registry.nearest(name) {
        Some(nearest) => fault.suggest(format!("did you mean /{nearest}? See `codex-task commands list`")),
        None => fault.suggest("see `codex-task commands list`"),
    }
}

/// The session's options with what the command allows: a command of the project only where the user trusts it.
pub(super) fn options(args: &ExecArgs, asked: &Asked, host: &mut Host) -> RunOptions {
    let given = args.allowed_tools.iter().flat_map(|rules| rules.0.iter().cloned());
    let options = RunOptions::of(&args.session).allowing(given);
    let Asked::Command { command, .. } = asked else { return options };
    let rules = command.allowed_tools.iter().cloned();
    if command.source != CommandSource::Project {
        return options.allowing(rules);
    }
    if command.allowed_tools.is_empty() || is_trusted(command, &options, &host.environment) {
        return options.allowing_as_repository(rules);
    }
    if !args.output.quiet {
        let text = format!(
            "allowed-tools of /{} allows nothing: its folder is not trusted (`codex-task trust`, or --trust)",
            command.name
        );
        session::warn(&text, &mut host.terminal);
    }
    options
}

fn is_trusted(command: &CommandDefinition, options: &RunOptions, environment: &Environment) -> bool {
    let trusted = Settings::load(environment, &options.overrides()).settings.mcp.trust.projects;
    command.path.as_deref().is_some_and(|path| trusted.of_file(path) == FolderTrust::Trusted)
}
