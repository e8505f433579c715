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
        | TaskEventKind::CallSent { .. }
        | TaskEventKind::CallEnded(_)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codex_task::{RunId, RunTask};
    use codex_task_config::{ModelId, ProviderName};

    use super::*;
    use crate::render::testing::Captured;

    /// What is told of events of a task, with this description.
    fn told(description: &str, kinds: Vec<TaskEventKind>) -> String {
        let task = RunTask::<String>::new("code-review", "Review the code").description(description).request;
        let labels = Labels::new(std::slice::from_ref(&task));
        let captured = Captured::new(&[]);
        let mut terminal = captured.terminal();
        for kind in kinds {
            let (run, agent) = (RunId::new(), "code-review".into());
            let event = TaskEvent { task: task.id, run, parent: None, agent, kind };
            match tell(&event, &labels, None) {
                Some(Told::Line(line)) => terminal.err.line(line),
                Some(Told::Failure(lines)) => lines.print(&mut terminal.err),
                None => {}
            }
        }
        captured.err()
    }

    #[test]
    fn progress_is_told_in_the_words_of_the_specification() {
        let started =
            |expected| TaskEventKind::Started { description: None, prompt: "Review it".into(), expected };
        let kinds = vec![started(None), started(Some(Duration::from_secs(12)))];
        assert_eq!(
            told("Security analysis in progress...", kinds),
            "Task(Executing code-review): Security analysis in progress...\n\
             Task(Executing code-review): Security analysis in progress... (about 12.0 s)\n"
        );
        assert_eq!(told("", vec![started(None)]), "Task(Executing code-review): Review the code...\n");
    }

    #[test]
    fn waiting_and_trying_again_are_told_too() {
        let kinds = vec![
            TaskEventKind::Queued { position: 0, description: None },
            TaskEventKind::Queued { position: 3, description: None },
            TaskEventKind::Retrying { error: "overloaded".into(), after: Duration::from_secs(2) },
            TaskEventKind::Retrying { error: "rate limit exceeded".into(), after: Duration::ZERO },
            TaskEventKind::Restarted { restarts: 1, cause: "boom".into() },
            TaskEventKind::Text { line: "not worth a line".into() },
        ];
        assert_eq!(
            told("Review", kinds),
            "Task(Queued code-review): Review (next)\n\
             Task(Queued code-review): Review (3 before it)\n\
             Task(Retrying code-review): in 2.0 s: overloaded\n\
             Task(Retrying code-review): rate limit exceeded\n\
             Task(Restarted code-review): after a crash: boom\n"
        );
    }

    #[test]
    fn another_provider_is_told_in_the_four_lines_of_the_specification() {
        let changed = TaskEventKind::RouteChanged {
            error: "rate limit exceeded: slow down".into(),
            suggestion: Some("retry in 60 seconds or switch to another model".into()),
            from: Some(ProviderName::new("claude")),
            provider: ProviderName::new("openai"),
            model: ModelId::new("gpt-6.1-sol"),
        };
        assert_eq!(
            told("Review", vec![changed]),
            "Error: Agent 'code-review' execution failed\n\
             Cause: Rate limit exceeded: slow down (provider: claude)\n\
             Suggestion: Retry in 60 seconds or switch to another model\n\
             Fallback: Attempting automatic retry with alternative provider openai (gpt-6.1-sol)...\n"
        );
    }
}
