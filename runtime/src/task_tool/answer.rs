//! What the caller's model reads of a task that has ended: the report, or why there is none, in Claude Code's shape.

use codex_task_actors::{Outcome, TaskError, TaskReport};

/// Before what an agent had written when it was ended.
const PARTIAL: &str = "The text below is PARTIAL output of the agent:";

/// The answer to a call: texts for the model, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAnswer {
    /// The text blocks, in order.
    pub blocks: Vec<String>,
    /// Whether the call failed.
    pub is_error: bool,
    /// Where untrusted texts came from that the agent has read; see [`TaskReport::tainted_by`]. Who reads the blocks has
    /// read what it made of them. The blocks themselves are Claude Code's and do not say so.
    pub tainted_by: Vec<String>,
}

impl ToolAnswer {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { blocks: vec![text.into()], is_error: false, tainted_by: Vec::new() }
    }

    /// A failure.
    pub fn error(text: impl Into<String>) -> Self {
        Self { blocks: vec![text.into()], is_error: true, tainted_by: Vec::new() }
    }

    /// The same, from an agent that has read untrusted texts.
    pub(super) fn tainted_by(self, sources: &[String]) -> Self {
        Self { tainted_by: sources.to_vec(), ..self }
    }

    /// All blocks as one text, for hosts that have one.
    pub fn joined(&self) -> String {
        self.blocks.join("\n")
    }
}

/// What a task gave back, in one text; what became of it is in its outcome.
pub(super) fn report_text(report: &TaskReport) -> String {
    let (failure, suggestion) = match &report.outcome {
        Outcome::Completed(text) => return text.clone(),
        Outcome::Failed { error, .. } => (error.for_model(), suggestion(error)),
        Outcome::TimedOut { after, .. } => (
            format!("Agent stopped: its time limit of {after:?} was over before it had finished"),
            Some("give the agent a smaller task, or raise `timeout` in its file".to_owned()),
        ),
        Outcome::Cancelled { .. } => {
            ("Agent stopped: it was cancelled before it had finished".to_owned(), None)
        }
        Outcome::Crashed { restarts, cause, .. } => (
            format!("Agent crashed: {cause} (after {restarts} restarts)"),
            Some("try again, or give the task to another agent".to_owned()),
        ),
    };
    let mut parts = vec![failure];
    parts.extend(suggestion.map(|text| format!("Suggestion: {text}")));
    let text = parts.join("\n");
    match report.outcome.partial().map(str::trim).filter(|partial| !partial.is_empty()) {
        Some(partial) => format!("{text}\n\n{PARTIAL}\n\n{partial}"),
        None => text,
    }
}

/// What the caller's model can do about an error.
fn suggestion(error: &TaskError) -> Option<String> {
    match error {
        // Its text lists all names already.
        TaskError::UnknownAgent { nearest: Some(name), .. } => Some(format!("did you mean '{name}'?")),
        TaskError::UnknownAgent { nearest: None, .. } => Some("use one of these names".to_owned()),
        error => error.help(),
    }
}

/// The text of an error without a task.
pub(super) fn error_text(error: &TaskError) -> String {
    match suggestion(error) {
        Some(help) => format!("{}\nSuggestion: {help}", error.for_model()),
        None => error.for_model(),
    }
}

/// Whether the task failed because no provider answered.
pub(super) fn is_a_providers_fault(report: &TaskReport) -> bool {
    matches!(&report.outcome, Outcome::Failed { error: TaskError::AllRoutesFailed { .. }, .. })
}

/// The text of such a failure with what is known of the providers now, so that its reader can tell whether to try again.
pub(super) fn with_trouble(text: String, trouble: &[String]) -> String {
    if trouble.is_empty() { text } else { format!("{text}\nCapacity: {}.", trouble.join(". ")) }
}

/// Whether the agent has begun at all: a task that could not has no id that is worth knowing.
pub(super) fn has_begun(report: &TaskReport) -> bool {
    !report.attempts.is_empty()
}

/// The block that names the agent, and what it has left.
pub(super) fn agent_id(report: &TaskReport) -> String {
    let id = format!("agentId: {}", report.task);
    match &report.worktree {
        Some(left) => {
            format!("{id}\nworktreePath: {}\nworktreeBranch: {}", left.path.display(), left.branch)
        }
        None => id,
    }
}

/// The ending in the words of `TaskOutput`.
pub(super) fn status(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed(_) => "completed",
        Outcome::Cancelled { .. } => "killed",
        Outcome::Failed { .. } | Outcome::TimedOut { .. } | Outcome::Crashed { .. } => "failed",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codex_task_actors::{RunId, TaskId};

    use super::*;

    fn text(outcome: Outcome) -> String {
        report_text(&TaskReport::new(TaskId::new(), RunId::new(), "a".into(), outcome))
    }

    #[test]
    fn failures_are_claude_codes_text_then_our_suggestion_then_what_exists() {
        let partial = || Some("Half a report".to_owned());
        let known = vec!["Explore".to_owned(), "reviewer".to_owned()];
        let unknown = |name: &str, nearest: Option<&str>| {
            let nearest = nearest.map(str::to_owned);
            let error = TaskError::UnknownAgent { name: name.into(), known: known.clone(), nearest };
            text(Outcome::Failed { error, partial: None })
        };
        for (shown, expected) in [
            (text(Outcome::Completed("The report".into())), "The report"),
            (
                unknown("nope", None),
                "Agent type 'nope' not found. Available agents: Explore, reviewer\nSuggestion: use one of these names",
            ),
            (
                unknown("reviwer", Some("reviewer")),
                "Agent type 'reviwer' not found. Available agents: Explore, reviewer\nSuggestion: did you mean 'reviewer'?",
            ),
            (
                text(Outcome::Failed { error: TaskError::EmptyAnswer, partial: partial() }),
                "Agent failed: the model gave an empty answer\nSuggestion: try again, or use another model\n\n\
                 The text below is PARTIAL output of the agent:\n\nHalf a report",
            ),
            (
                text(Outcome::TimedOut { after: Duration::from_secs(90), partial: Some(" \n".into()) }),
                "Agent stopped: its time limit of 90s was over before it had finished\n\
                 Suggestion: give the agent a smaller task, or raise `timeout` in its file",
            ),
            (
                text(Outcome::Cancelled { partial: partial() }),
                "Agent stopped: it was cancelled before it had finished\n\n\
                 The text below is PARTIAL output of the agent:\n\nHalf a report",
            ),
            (
                text(Outcome::Crashed { restarts: 3, cause: "boom".into(), partial: None }),
                "Agent crashed: boom (after 3 restarts)\nSuggestion: try again, or give the task to another agent",
            ),
        ] {
            assert_eq!(shown, expected);
        }
    }
}
