//! `agents new`: a file to begin with.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use codex_task::Environment;
use codex_task_config::{
    AgentName, AgentRegistry, AgentSources, AgentStatus, AgentTemplate, project_directories, repository_root,
    shell_word, templates,
};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::shown_path;
use crate::session::warn;

/// Writes .claude/agents/NAME.md from a template.
#[derive(Args, Clone, Debug)]
#[command(after_help = template_help())]
pub(crate) struct NewArgs {
    /// The agent's name
    name: String,
    /// What to begin with; by default the template of that name, or else code-review
    #[arg(long, short, value_name = "TEMPLATE", value_parser = template)]
    template: Option<AgentTemplate>,
    /// Writes to ~/.claude/agents, for all your projects
    #[arg(long)]
    user: bool,
    /// Overwrites a file that exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &NewArgs, host: &mut Host) -> Result<Exit, Fault> {
    let name = AgentName::parse(&args.name).map_err(|error| {
        Fault::new(format!("'{}' is no name for an agent", args.name))
            .because(error.to_string())
            .suggest("use small letters, digits and hyphens")
    })?;
    let template = args.template.or_else(|| AgentTemplate::parse(name.as_str()));
    let text = template.unwrap_or(AgentTemplate::CodeReview).render(&name);
    let path = directory(args, &host.environment)?.join(format!("{name}.md"));
    write(&path, &text, args)?;
    let shown = shown_path(&path, &host.environment);
    host.terminal.out.line(shown.as_str());
    warn_about_others(&name, &path, host);
    host.terminal.err.line(format!("Edit it, then: codex-task run {} \"PROMPT\"", shell_word(name.as_str())));
    Ok(Exit::Success)
}

/// The nearest `.claude/agents` of the project, or the one of its root.
fn directory(args: &NewArgs, environment: &Environment) -> Result<PathBuf, Fault> {
    let base = if args.user {
        let home = environment.home().ok_or_else(|| {
            Fault::new("there is no home directory").because("HOME is not set").suggest("set HOME")
        })?;
        home.to_path_buf()
    } else {
        let nearest = project_directories(environment.cwd()).into_iter();
        let nearest = nearest.filter(|directory| Some(directory.as_path()) != environment.home());
        let nearest = nearest.into_iter().find(|directory| directory.join(".claude").is_dir());
        let root = || repository_root(environment.cwd());
        nearest.or_else(root).unwrap_or_else(|| environment.cwd().to_path_buf())
    };
    Ok(base.join(".claude/agents"))
}

fn write(path: &std::path::Path, text: &str, args: &NewArgs) -> Result<(), Fault> {
    let failed = |error: std::io::Error| Fault::file("cannot write", path, &error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    if args.force {
        options.write(true).create(true).truncate(true);
    } else {
        options.write(true).create_new(true);
    }
    match options.open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Fault::new(format!("'{}' exists already", path.display()))
                .because("a file that somebody has written is not overwritten")
                .suggest("choose another name, or add --force"))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Says so when another agent of the same name comes first.
fn warn_about_others(name: &AgentName, path: &std::path::Path, host: &mut Host) {
    let registry = AgentRegistry::load(&host.environment, &AgentSources::default());
    let of_name = || registry.entries().iter().filter(|entry| entry.name == name.as_str());
    let is_shadowed =
        of_name().any(|entry| entry.status == AgentStatus::Shadowed && entry.path.as_deref() == Some(path));
    let first = of_name().find(|entry| entry.status != AgentStatus::Shadowed);
    if let (true, Some(first)) = (is_shadowed, first) {
        let place = first.path.as_deref().map(|path| shown_path(path, &host.environment));
        let place = place.unwrap_or_else(|| "the built-in agents".to_owned());
        warn(&format!("the agent of this name in {place} comes first"), &mut host.terminal);
    }
}

fn template(text: &str) -> Result<AgentTemplate, String> {
    AgentTemplate::parse(text).ok_or_else(|| {
        let names: Vec<&str> = AgentTemplate::ALL.iter().map(|template| template.as_str()).collect();
        format!("known templates: {}", names.join(", "))
    })
}

fn template_help() -> String {
    let lines: Vec<String> =
        templates().map(|(template, summary)| format!("  {:<22}{summary}", template.as_str())).collect();
    format!("Templates:\n{}", lines.join("\n"))
}
