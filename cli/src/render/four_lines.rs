//! The four lines in which every failure is told: what failed, why, what to do, and what is being done already.

use codex_task::json::ErrorJson;

use super::clean::one_line;
use super::{Stream, Style};

/// A failure in the parts that people see. Parts that are not there have no line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FourLines {
    /// What failed.
    pub(crate) error: String,
    /// Why.
    pub(crate) cause: Option<String>,
    /// What the user can do about it.
    pub(crate) suggestion: Option<String>,
    /// What is being done about it already.
    pub(crate) fallback: Option<String>,
}

impl FourLines {
    /// Writes the lines.
    pub(crate) fn print(&self, stream: &mut Stream) {
        stream.paragraph("Error:", Style::Red, &sentence(&self.error));
        let parts =
            [("Cause:", &self.cause), ("Suggestion:", &self.suggestion), ("Fallback:", &self.fallback)];
        for (label, part) in parts {
            if let Some(text) = part {
                stream.paragraph(label, Style::Bold, &sentence(text));
            }
        }
    }
}

impl From<ErrorJson> for FourLines {
    fn from(error: ErrorJson) -> Self {
        Self { error: error.message, cause: error.cause, suggestion: error.suggestion, fallback: None }
    }
}

/// A text on one line with a capital at its beginning, unless it begins with a name such as `codex-task.yaml`.
pub(crate) fn sentence(text: &str) -> String {
    let text = one_line(text);
    let word = text.split_whitespace().next().unwrap_or_default().trim_end_matches([',', ':']);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if word.chars().all(char::is_alphabetic) => {
            first.to_uppercase().chain(chars).collect::<String>()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::Captured;
    use crate::render::width::columns;

    fn lines() -> FourLines {
        FourLines {
            error: "agent 'code-reviewer' execution failed".into(),
            cause: Some("rate limit exceeded: slow\ndown (provider: claude)".into()),
            suggestion: Some("codex-task.yaml can name a fallback".into()),
            fallback: Some("attempting automatic retry with alternative provider...".into()),
        }
    }

    #[test]
    fn each_part_is_one_line_for_programs() {
        let captured = Captured::new(&[]);
        lines().print(&mut captured.terminal().err);
        assert_eq!(
            captured.err(),
            "Error: Agent 'code-reviewer' execution failed\n\
             Cause: Rate limit exceeded: slow down (provider: claude)\n\
             Suggestion: codex-task.yaml can name a fallback\n\
             Fallback: Attempting automatic retry with alternative provider...\n"
        );
    }

    #[test]
    fn narrow_terminals_get_whole_words() {
        let captured = Captured::new(&[("COLUMNS", "30")]);
        lines().print(&mut captured.terminal().err);
        let text = captured.err();
        assert!(text.contains("Error: Agent 'code-reviewer'\n  execution failed\n"), "{text}");
        assert!(text.lines().all(|line| columns(line) <= 30), "{text}");
    }
}
