//! Progress in lines that stay: the specification's `Task(Executing ...)`, one for each change.

use codex_task::json::ErrorJson;
use codex_task::{Outcome, TaskEvent, TaskEventKind, TaskReport, TaskStatus};

use super::label::Labels;
use crate::render::clean::{headline, one_line};
use crate::render::figures::duration;
use crate::render::width::cut;
use crate::render::{FourLines, Line, Style};

/// Columns of a line where lines may be of any length.
const COLUMNS_MAX: usize = 160;

/// What an event is told as, if at all.
pub(super) enum Told {
    /// One line.
    Line(Line),
    /// A failure and what is being done about it.
    Failure(FourLines),
}

/// Tells an event; events of a single call are not worth a line that stays.
pub(super) fn tell(event: &TaskEvent, labels: &Labels, columns: Option<usize>) -> Option<Told> {
    let line = |verb: &str, style: Style, text: String| {
        let head = format!("Task({verb} {}): ", one_line(&event.agent));
        let room = columns.unwrap_or(COLUMNS_MAX).saturating_sub(crate::render::width::columns(&head));
        Some(Told::Line(Line::new().styled(style, head).text(cut(&text, room))))
    };
    let subject = labels.subject(event.task);
    match &event.kind {
        TaskEventKind::Queued { position, .. } => {
            let before = if *position == 0 { "next".to_owned() } else { format!("{position} before it") };
            line("Queued", Style::Dim, format!("{subject} ({before})"))
        }
        TaskEventKind::Started { expected, .. } => {
            let about = expected.map(|length| format!(" (about {})", duration(length))).unwrap_or_default();
            line("Executing", Style::Plain, format!("{subject}...{about}"))
        }
        TaskEventKind::Retrying { error, after } => {
            let again = if after.is_zero() { String::new() } else { format!("in {}: ", duration(*after)) };
            line("Retrying", Style::Yellow, again + &one_line(error))
        }
        TaskEventKind::Restarted { cause, .. } => {
            line("Restarted", Style::Yellow, format!("after a crash: {}", one_line(cause)))
        }
        TaskEventKind::RouteChanged { error, suggestion, from, provider, model } => {
            let named = from.as_ref().map(|from| format!(" (provider: {from})")).unwrap_or_default();
            Some(Told::Failure(FourLines {
                error: format!("agent '{}' execution failed", event.agent),
                cause: Some(format!("{error}{named}")),
                suggestion: suggestion.clone(),
                fallback: Some(format!(
                    "attempting automatic retry with alternative provider {provider} ({model})..."
                )),
            }))
        }
        TaskEventKind::Finished(report) => {
            let (verb, style) = ending(report.status());
            line(verb, style, upshot(report))
        }
        TaskEventKind::TurnStarted { .. }
        | TaskEventKind::Text { .. }
        | TaskEventKind::ToolStarted { .. }
        | TaskEventKind::ToolFinished { .. }
        | TaskEventKind::Compacted { .. } => None,
    }
}

/// What came of a task, in a line.
pub(super) fn upshot(report: &TaskReport) -> String {
    match &report.outcome {
        Outcome::Completed(text) => headline(text),
        Outcome::Cancelled { partial } => match partial.as_deref().map(headline) {
            Some(text) if !text.is_empty() => format!("so far: {text}"),
            Some(_) | None => "before it had written anything".to_owned(),
        },
        Outcome::TimedOut { after, .. } => format!("after {}", duration(*after)),
        Outcome::Failed { .. } | Outcome::Crashed { .. } => {
            let cause = ErrorJson::of(report).and_then(|error| error.cause);
            one_line(&cause.unwrap_or_default())
        }
    }
}

/// The word for an ending, and how it looks.
pub(super) fn ending(status: TaskStatus) -> (&'static str, Style) {
    match status {
        TaskStatus::Completed => ("Completed", Style::Green),
        TaskStatus::Failed => ("Failed", Style::Red),
        TaskStatus::TimedOut => ("Timed out", Style::Red),
        TaskStatus::Cancelled => ("Cancelled", Style::Yellow),
        TaskStatus::Crashed => ("Crashed", Style::Red),
    }
}
