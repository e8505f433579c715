//! `agents validate`: what is right and what is wrong with agent files, as the specification displays it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use codex_task::Environment;
use codex_task::json::ProblemJson;
use codex_task_config::{
    AgentRegistry, AgentReport, AgentSources, FieldState, PROVIDED_TOOLS, Problem, RequiredFields, Severity,
    Syntax,
};
use serde::Serialize;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::figures::counted;
use crate::render::shown_path;
use crate::render::{Line, Mark, Snippet, Terminal, sentence};
use crate::session::print_json;

/// Directories within each other that are looked into.
const DEPTH_MAX: usize = 16;
/// How messages about tools that exist nowhere begin: the available ones are listed below them.
const UNKNOWN_TOOL: &str = "invalid tool specified";

/// Checks agent files: all that this project and you have, or the ones named.
#[derive(Args, Clone, Debug)]
pub(crate) struct ValidateArgs {
    /// Files, or directories with files
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Prints a JSON list
    #[arg(long)]
    json: bool,
    /// Words instead of marks and box characters, for screen readers
    #[arg(long)]
    plain: bool,
}

/// A file as programs see it.
#[derive(Serialize)]
struct Validated {
    path: String,
    name: String,
    /// Whether nothing must be fixed.
    valid: bool,
    problems: Vec<ProblemJson>,
}

pub(super) fn run(args: &ValidateArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.plain {
        host.terminal.make_plain();
    }
    let files = if args.paths.is_empty() {
        registered(&host.environment)
    } else {
        named(&args.paths, &host.environment)?
    };
    let reports: Vec<(String, AgentReport)> =
        files.iter().map(|file| (shown_path(file, &host.environment), AgentReport::read(file))).collect();
    let terminal = &mut host.terminal;
    if args.json {
        let validated: Vec<Validated> = reports.iter().map(validated).collect();
        print_json(&validated, terminal);
    } else {
        print(&reports, terminal);
    }
    let has_errors = reports.iter().any(|(_, report)| report.has_errors());
    Ok(if has_errors { Exit::Failure } else { Exit::Success })
}

/// The files of all agents, broken and shadowed ones too.
fn registered(environment: &Environment) -> Vec<PathBuf> {
    let registry = AgentRegistry::load(environment, &AgentSources::default());
    let files: BTreeSet<PathBuf> = registry.entries().iter().filter_map(|entry| entry.path.clone()).collect();
    files.into_iter().collect()
}

fn named(paths: &[PathBuf], environment: &Environment) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for path in paths {
        let path = environment.cwd().join(path);
        let unreadable = |error: std::io::Error| Fault::file("cannot read", &path, &error);
        if path.metadata().map_err(unreadable)?.is_dir() {
            let before = files.len();
            walk(&path, DEPTH_MAX, &mut files).map_err(unreadable)?;
            files.get_mut(before..).unwrap_or_default().sort();
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Collects the `*.md` below a directory; links to directories are not followed.
fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(())
}

fn validated((path, report): &(String, AgentReport)) -> Validated {
    Validated {
        path: path.clone(),
        name: report.name.clone(),
        valid: !report.has_errors(),
        problems: report.problems.iter().map(ProblemJson::from).collect(),
    }
}

fn print(reports: &[(String, AgentReport)], terminal: &mut Terminal) {
    match reports {
        [] => terminal.err.line("There are no agent files; `codex-task agents new NAME` makes one"),
        [(path, report)] => print_file(path, report, terminal),
        _ => {
            for (path, report) in reports {
                if report.worst() > Some(Severity::Note) || report.has_errors() {
                    print_file(path, report, terminal);
                    terminal.out.line("");
                } else {
                    terminal.mark(Mark::Good, path);
                }
            }
            sum_up(reports, terminal);
        }
    }
}

fn print_file(path: &str, report: &AgentReport, terminal: &mut Terminal) {
    terminal.out.line(Line::new().bold(format!("Validating agent configuration: {path}")));
    match report.syntax {
        Some(Syntax::Yaml) => terminal.mark(Mark::Good, "YAML frontmatter valid"),
        Some(Syntax::Lenient) => {
            terminal
                .mark(Mark::Doubtful, "YAML frontmatter invalid, and yet its meaning is plain: see below");
        }
        // What is wrong with the file as a whole says nothing about its text.
        None if report.problems.iter().all(|problem| problem.position.is_none()) => {}
        None => terminal.mark(Mark::Bad, "YAML frontmatter invalid"),
    }
    match report.required {
        Some(required) if report.has_required_fields() => {
            debug_assert_eq!(required.name, FieldState::Present);
            terminal.mark(Mark::Good, "Required fields present (name, description)");
        }
        Some(required) => terminal.mark(Mark::Bad, &incomplete(required)),
        None => {}
    }
    for problem in &report.problems {
        print_problem(path, problem, report, terminal);
    }
    terminal.out.line("");
    if report.has_errors() {
        terminal.out.line("Configuration errors must be fixed before agent can be used.");
    } else {
        terminal.out.line(format!("Agent '{}' can be used.", report.name));
    }
}

fn incomplete(required: RequiredFields) -> String {
    let word = |state: FieldState| match state {
        FieldState::Present => "present",
        FieldState::Missing => "missing",
        FieldState::Invalid => "invalid",
    };
    format!("Required fields (name: {}, description: {})", word(required.name), word(required.description))
}

fn print_problem(path: &str, problem: &Problem, report: &AgentReport, terminal: &mut Terminal) {
    let mark = match problem.severity {
        Severity::Error => Mark::Bad,
        Severity::Warning => Mark::Doubtful,
        Severity::Note => Mark::Neutral,
    };
    terminal.mark(mark, &sentence(&problem.message));
    if let Some(help) = &problem.help {
        terminal.detail(&sentence(help));
    }
    if problem.message.starts_with(UNKNOWN_TOOL) {
        terminal.detail(&format!("Available tools: {}", PROVIDED_TOOLS.join(", ")));
        return;
    }
    if let Some(line) = &problem.fixed_line {
        terminal.out.line(Line::new().text("    ").text(line));
    }
    match problem.position {
        Some(position) if problem.severity != Severity::Note => {
            let (name, text) = (path.to_owned(), report.text.clone());
            Snippet { name, text, position }.print_out(terminal);
        }
        Some(at) => terminal.detail(&format!("{path}:{}:{}", at.line, at.column)),
        None => {}
    }
}

fn sum_up(reports: &[(String, AgentReport)], terminal: &mut Terminal) {
    let with_errors = reports.iter().filter(|(_, report)| report.has_errors()).count();
    let with_warnings = reports
        .iter()
        .filter(|(_, report)| !report.has_errors() && report.worst() == Some(Severity::Warning))
        .count();
    let valid = reports.len() - with_errors - with_warnings;
    let files = counted(reports.len(), "file");
    terminal.out.line(
        Line::new().bold(format!(
            "{files}: {valid} valid, {with_warnings} with warnings, {with_errors} with errors"
        )),
    );
}
