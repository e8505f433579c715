//! What came of the tasks: the data on stdout, what is worth knowing on stderr.

use codex_task::json::{ErrorJson, RunJson};
use codex_task::{Outcome, RunReport, RuntimeHandle, TaskReport, TaskStatus};
use codex_task_config::{ProviderKind, ProviderName};

use super::json;
use super::label::names;
use super::lines::{ending, upshot};
use super::notices::warn;
use crate::exit::Exit;
use crate::render::clean::one_line;
use crate::render::figures::{counted, summary};
use crate::render::tree::{self, Row};
use crate::render::{FourLines, Line, Style, Terminal};
use crate::run::OutputArgs;

/// How the command ends after these tasks.
pub(crate) fn exit(report: &RunReport) -> Exit {
    let completed = report.tasks.iter().all(|task| task.status() == TaskStatus::Completed);
    if completed { Exit::Success } else { Exit::Failure }
}

/// Prints everything.
pub(crate) fn print(report: &RunReport, output: OutputArgs, handle: &RuntimeHandle, terminal: &mut Terminal) {
    if output.json {
        json::print(&RunJson::from(report), terminal);
    } else if !output.jsonl {
        print_reports(report, output, terminal);
    }
    print_asides(report, output, handle, terminal);
}

/// Prints what is not data: notes, failures, what it took.
pub(crate) fn print_asides(
    report: &RunReport,
    output: OutputArgs,
    handle: &RuntimeHandle,
    terminal: &mut Terminal,
) {
    if !output.quiet {
        print_once(report, |task| &task.notes, |agent, note| warn(&format!("{agent}: {note}"), terminal));
        print_once(
            report,
            |task| &task.allowed,
            |agent, call| {
                terminal.err.paragraph("Allowed:", Style::Plain, &one_line(&format!("{agent}: {call}")));
            },
        );
    }
    print_errors(report, terminal);
    // Tasks that could not begin have no figures.
    let has_run = |task: &TaskReport| !task.attempts.is_empty() || task.status() != TaskStatus::Failed;
    if !output.quiet && report.tasks.iter().any(|task| has_run(task)) {
        let mut text = summary(report, is_scripted(report, handle));
        if handle.recorder().is_some() {
            text = format!("{text}, run {}", report.run.short());
        }
        terminal.err.wrapped(Style::Dim, &text);
    }
}

/// Tells why tasks did not complete, unless it was the user who ended them. What stopped many, such as a key that is not
/// accepted, is told once.
fn print_errors(report: &RunReport, terminal: &mut Terminal) {
    let mut told: Vec<(FourLines, usize)> = Vec::new();
    for task in report.tasks.iter().filter(|task| task.status() != TaskStatus::Cancelled) {
        let Some(error) = ErrorJson::of(task) else { continue };
        let mut lines = FourLines::from(error);
        lines.suggestion.get_or_insert_with(|| "look at the log: --log debug".to_owned());
        let is_same =
            |(other, _): &&mut (FourLines, usize)| lines.cause.is_some() && other.cause == lines.cause;
        match told.iter_mut().find(is_same) {
            Some((_, tasks)) => *tasks += 1,
            None => told.push((lines, 1)),
        }
    }
    for (mut lines, tasks) in told {
        if tasks > 1 {
            lines.error =
                format!("{} and {} for the same reason", lines.error, counted(tasks - 1, "more task"));
        }
        lines.print(&mut terminal.err);
    }
}

/// Prints the reports of tasks, what they had written when they ended otherwise, and how they ended.
pub(crate) fn print_reports(report: &RunReport, output: OutputArgs, terminal: &mut Terminal) {
    if let [task] = report.tasks.as_slice() {
        print_report(task, terminal);
        return;
    }
    let names = names(&report.tasks);
    if !output.quiet {
        for (task, name) in report.tasks.iter().zip(&names) {
            terminal.out.line(Line::new().bold(format!("# {name}")));
            terminal.out.line("");
            match task.outcome.partial() {
                None if task.status() != TaskStatus::Completed => print_ending(task, terminal),
                Some(_) | None => print_report(task, terminal),
            }
            terminal.out.line("");
        }
    }
    let rows: Vec<Row> = report.tasks.iter().zip(names).map(|(task, name)| row(task, name)).collect();
    tree::print(&rows, terminal);
}

/// The report of an agent, or what it had written when it ended otherwise. Without both there is no data.
fn print_report(task: &TaskReport, terminal: &mut Terminal) {
    match &task.outcome {
        Outcome::Completed(text) => terminal.out.block(text),
        other => {
            if let Some(partial) = other.partial().filter(|partial| !partial.trim().is_empty()) {
                terminal.out.block(partial);
                print_ending(task, terminal);
            }
        }
    }
}

/// Marks a report that is not complete.
fn print_ending(task: &TaskReport, terminal: &mut Terminal) {
    let (verb, _) = ending(task.status());
    terminal.out.line(format!("[{verb} before the report was complete]"));
}

fn row(task: &TaskReport, name: String) -> Row {
    let upshot = upshot(task);
    match task.status() {
        TaskStatus::Completed => Row { name, style: Style::Plain, text: upshot },
        other => {
            let (verb, style) = ending(other);
            Row { name, style, text: format!("{}: {upshot}", verb.to_lowercase()) }
        }
    }
}

/// What the user should know, once for each agent.
fn print_once<'a>(
    report: &'a RunReport,
    told: impl Fn(&'a TaskReport) -> &'a [String],
    mut print: impl FnMut(&str, &str),
) {
    let mut printed: Vec<(&str, &str)> = Vec::new();
    for task in report.tasks.iter().chain(&report.nested) {
        for text in told(task) {
            if !printed.contains(&(&*task.agent, text)) {
                printed.push((&task.agent, text));
                print(&task.agent, text);
            }
        }
    }
}

/// Whether no call went to a model.
pub(crate) fn is_scripted(report: &RunReport, handle: &RuntimeHandle) -> bool {
    let is_scripted = |provider: &ProviderName| {
        handle.providers().get(provider).is_some_and(|provider| provider.kind == ProviderKind::Scripted)
    };
    let mut attempts = report.tasks.iter().chain(&report.nested).flat_map(|task| &task.attempts);
    attempts.all(|attempt| is_scripted(&attempt.provider))
}
