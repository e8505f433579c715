//! Marks of a list of checks. A mark never stands alone: the text says the same in words.

use super::width::wrap;
use super::{Line, Style, Terminal};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is as it should be.
    Good,
    /// It works, and yet should be looked at.
    Doubtful,
    /// It does not work.
    Bad,
    /// Worth knowing.
    Neutral,
}

impl Mark {
    /// The sign, its word for screen readers, and how it looks.
    fn parts(self) -> (&'static str, &'static str, Style) {
        match self {
            Self::Good => ("✓", "ok:", Style::Green),
            Self::Doubtful => ("!", "warning:", Style::Yellow),
            Self::Bad => ("✗", "error:", Style::Red),
            Self::Neutral => ("-", "note:", Style::Dim),
        }
    }
}

impl Terminal {
    /// Writes a check to stdout.
    pub(crate) fn mark(&mut self, mark: Mark, text: &str) {
        let (sign, word, style) = mark.parts();
        self.out.paragraph(if self.is_plain { word } else { sign }, style, text);
    }

    /// Writes something about the check above to stdout.
    pub(crate) fn detail(&mut self, text: &str) {
        let Some(columns) = self.out.columns else { return self.out.line(Line::new().text("  ").text(text)) };
        for line in wrap(text, columns.saturating_sub(2)) {
            self.out.line(Line::new().text("  ").text(line));
        }
    }
}
