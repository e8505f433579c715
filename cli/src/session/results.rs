//! What came of the tasks: the data on stdout, what is worth knowing on stderr.

use codex_task::json::{ErrorJson, RunJson};
use codex_task::{Outcome, RunReport, RuntimeHandle, TaskReport, TaskStatus};
use codex_task_config::ProviderKind;

use super::json;
use super::label::names;
use super::lines::{ending, upshot};
use crate::exit::Exit;
use crate::render::figures::{Cost, summary};
use crate::render::tree::{self, Row};
use crate::render::{FourLines, Line, Style, Terminal};
use crate::run::OutputArgs;

/// How the command ends after these tasks.
pub(super) fn exit(report: &RunReport) -> Exit {
    let completed = report.tasks.iter().all(|task| task.status() == TaskStatus::Completed);
    if completed { Exit::Success } else { Exit::Failure }
}

/// Prints everything.
pub(super) fn print(report: &RunReport, output: OutputArgs, handle: &RuntimeHandle, terminal: &mut Terminal) {
    if output.json {
        json::print(&RunJson::from(report), terminal);
    } else if !output.jsonl {
        print_reports(report, output, terminal);
    }
    if !output.quiet {
        print_notes(report, terminal);
    }
    for task in &report.tasks {
        let is_told = matches!(task.outcome, Outcome::Completed(_) | Outcome::Cancelled { .. });
        if let Some(error) = ErrorJson::of(task).filter(|_| !is_told) {
            FourLines::from(error).print(&mut terminal.err);
        }
    }
    if !output.quiet {
        let text = summary(report, &cost(report, handle));
        terminal.err.line(Line::new().styled(Style::Dim, text));
    }
}

fn print_reports(report: &RunReport, output: OutputArgs, terminal: &mut Terminal) {
    if let [task] = report.tasks.as_slice() {
        print_report(task, terminal);
        return;
    }
    let names = names(report.tasks.iter().map(AsRef::as_ref));
    if !output.quiet {
        for (task, name) in report.tasks.iter().zip(&names) {
            terminal.out.line(Line::new().bold(format!("# {name}")));
            terminal.out.line("");
            print_report(task, terminal);
            terminal.out.line("");
        }
    }
    let rows: Vec<Row> = report.tasks.iter().zip(names).map(|(task, name)| row(task, name)).collect();
    tree::print(&rows, terminal);
}

/// The report of an agent, or what it had written when it ended otherwise.
fn print_report(task: &TaskReport, terminal: &mut Terminal) {
    let (verb, _) = ending(task.status());
    match &task.outcome {
        Outcome::Completed(text) => terminal.out.block(text),
        other => {
            // A task that has written nothing has no data.
            if let Some(partial) = other.partial().filter(|partial| !partial.trim().is_empty()) {
                terminal.out.block(partial);
                terminal.out.line(format!("[{verb} before the report was complete]"));
            }
        }
    }
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
fn print_notes(report: &RunReport, terminal: &mut Terminal) {
    let mut told: Vec<(&str, &str)> = Vec::new();
    for task in &report.tasks {
        for note in &task.notes {
            if !told.contains(&(&*task.agent, note)) {
                told.push((&task.agent, note));
            }
        }
    }
    for (agent, note) in told {
        terminal.err.line(Line::new().styled(Style::Yellow, "Warning:").text(format!(" {agent}: {note}")));
    }
}

/// The money that the tasks took; a scenario takes none.
fn cost(report: &RunReport, handle: &RuntimeHandle) -> String {
    let kind = |task: &TaskReport| {
        let provider = task.provider.as_ref().and_then(|name| handle.providers().get(name));
        provider.map(|provider| provider.kind)
    };
    let is_scripted = |task: &TaskReport| kind(task) == Some(ProviderKind::Scripted);
    if !report.tasks.is_empty() && report.tasks.iter().all(|task| is_scripted(task)) {
        "no cost".to_owned()
    } else {
        Cost::of(report).to_string()
    }
}
