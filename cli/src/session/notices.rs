//! What is worth knowing before tasks run: problems of the settings, and which model server was found.

use codex_task::{Environment, RuntimeHandle};
use codex_task_config::{AgentEntry, AgentSource, AgentStatus, Problem};
use codex_task_providers::BaseUrl;

use crate::fault::place_and_message;
use crate::render::clean::one_line;
use crate::render::{Style, Terminal, shown_path};
#[cfg(feature = "metrics")]
use crate::telemetry;

/// Says it, on stderr. `agents` are those that will run.
pub(crate) fn announce(
    handle: &RuntimeHandle,
    agents: &[&str],
    environment: &Environment,
    terminal: &mut Terminal,
) {
    warn_of(handle.problems(), environment, terminal);
    warn_of(handle.missing_sandbox().as_slice(), environment, terminal);
    #[cfg(feature = "metrics")]
    telemetry::announce(handle, terminal);
    if let Some(server) = handle.local_server() {
        let text = format!("{} at {} (model {})", server.name, origin(&server.base_url), server.model);
        terminal.err.paragraph("Using", Style::Plain, &text);
    }
    let registry = handle.agents();
    let of_command_line =
        |entry: &&AgentEntry| entry.source == AgentSource::CommandLine && entry.status == AgentStatus::Broken;
    for entry in registry.entries().iter().filter(of_command_line) {
        for problem in &entry.problems {
            warn(&format!("{}: {}", entry.name, problem_sentence(problem, environment)), terminal);
        }
    }
    for entry in registry.entries() {
        let is_used = entry.status == AgentStatus::Warning && agents.contains(&entry.name.as_str());
        if let (true, Some(problem)) = (is_used, entry.problems.first()) {
            let more = match entry.problems.len() {
                1 => String::new(),
                count => format!(" (and {} more: `codex-task agents validate`)", count - 1),
            };
            warn(&format!("{}{more}", problem_sentence(problem, environment)), terminal);
        }
    }
}

/// A server's address without the path of its API.
fn origin(url: &BaseUrl) -> String {
    let url = url.to_string();
    url.trim_end_matches('/').trim_end_matches("/v1").to_owned()
}

/// Writes a warning for each problem.
pub(crate) fn warn_of(problems: &[Problem], environment: &Environment, terminal: &mut Terminal) {
    for problem in problems {
        warn(&problem_sentence(problem, environment), terminal);
    }
}

/// Writes a warning.
pub(crate) fn warn(text: &str, terminal: &mut Terminal) {
    terminal.err.paragraph("Warning:", Style::Yellow, &one_line(text));
}

/// A problem with its place and what to do about it.
pub(crate) fn problem_sentence(problem: &Problem, environment: &Environment) -> String {
    let text = match &problem.path {
        Some(path) => place_and_message(problem, &shown_path(path, environment)),
        None => problem.message.clone(),
    };
    match &problem.help {
        Some(help) => format!("{text} ({help})"),
        None => text,
    }
}
