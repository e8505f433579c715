//! A line of output with styles: the only way by which escape sequences come onto a terminal.

use super::clean::neutral;
use super::width;

/// How a piece of a line looks where there is colour. No style carries a meaning that the text does not have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it stands.
    Plain,
    /// Headings and names.
    Bold,
    /// What one may skip.
    Dim,
    /// What went wrong.
    Red,
    /// What went well.
    Green,
    /// What to look at.
    Yellow,
}

impl Style {
    /// The code of the escape sequence.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Red => Some("31"),
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
        }
    }
}

/// A line in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a piece as it stands.
    #[must_use]
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.styled(Style::Plain, text)
    }

    /// Adds a piece in bold.
    #[must_use]
    pub(crate) fn bold(self, text: impl Into<String>) -> Self {
        self.styled(Style::Bold, text)
    }

    /// Adds a piece in a style.
    #[must_use]
    pub(crate) fn styled(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// Adds the pieces of another line.
    #[must_use]
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line in at most so many columns.
    #[must_use]
    pub(crate) fn cut(self, columns_max: usize) -> Self {
        let mut left = columns_max;
        let total: usize = self.0.iter().map(|(_, text)| width::columns(text)).sum();
        if total <= columns_max {
            return self;
        }
        let mut kept = Self::new();
        for (style, text) in self.0 {
            let wide = width::columns(&text);
            // A piece that just fits is cut too, because something follows that does not.
            if wide < left {
                left -= wide;
                kept = kept.styled(style, text);
            } else {
                let room = width::cut(&format!("{text}  "), left);
                return kept.styled(style, room);
            }
        }
        kept
    }

    /// The line as it is written; pieces lose what a terminal would obey.
    pub(crate) fn render(&self, colored: bool) -> String {
        let mut written = String::new();
        for (style, text) in &self.0 {
            let text = neutral(text).replace('\n', " ");
            match style.code().filter(|_| colored) {
                Some(code) => {
                    for piece in ["\x1b[", code, "m", &text, "\x1b[0m"] {
                        written.push_str(piece);
                    }
                }
                None => written.push_str(&text),
            }
        }
        written
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_styles_bring_escape_sequences() {
        let line = Line::new().bold("a\x1b[2J").text(" b\nc");
        assert_eq!(line.render(false), "a␛[2J b c");
        assert_eq!(line.render(true), "\x1b[1ma␛[2J\x1b[0m b c");
    }

    #[test]
    fn a_cut_line_keeps_its_styles_and_its_width() {
        let line = Line::new().bold("name").text(": something long");
        assert_eq!(line.clone().cut(40), line);
        assert_eq!(line.clone().cut(9).render(false), "name: so…");
        assert_eq!(line.clone().cut(4).render(false), "nam…");
        assert_eq!(line.cut(5).render(false), "name…");
    }
}
