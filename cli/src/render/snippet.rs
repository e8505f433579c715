//! The lines of a file around a problem, with the place marked.

use std::ops::Range;

use codex_task_config::Position;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report};

use super::clean::neutral;
use super::{Line, Stream, Terminal};

/// Columns where lines may be of any length.
const COLUMNS_USUAL: usize = 100;
/// Columns that numbers and frame take.
const GUTTER_COLUMNS: usize = 10;
/// Characters of a line that are shown in any case.
const LINE_CHARS_MIN: usize = 20;
/// Blanks before each line, so that the snippet belongs to what stands above it.
const INDENT: &str = "  ";
const ELLIPSIS: char = '…';

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// What the text is called: a path, an argument.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// The place.
    pub(crate) position: Position,
}

impl Snippet {
    /// Writes the lines to stdout.
    pub(crate) fn print_out(&self, terminal: &mut Terminal) {
        self.print(terminal.is_plain, &mut terminal.out);
    }

    /// Writes the lines to stderr.
    pub(crate) fn print_err(&self, terminal: &mut Terminal) {
        self.print(terminal.is_plain, &mut terminal.err);
    }

    fn print(&self, is_plain: bool, stream: &mut Stream) {
        let columns = stream.columns.unwrap_or(COLUMNS_USUAL);
        let at = self.position;
        let place = format!("{}:{}:{}", self.name, at.line, at.column);
        if is_plain {
            let line = self.text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
            stream.line(Line::new().text(INDENT).text(place));
            return stream.line(Line::new().text(INDENT).text(line));
        }
        for line in self.drawn(&place, columns.saturating_sub(INDENT.len())) {
            stream.line(Line::new().text(INDENT).text(line));
        }
    }

    /// The lines with their frame, without colours.
    fn drawn(&self, place: &str, columns: usize) -> Vec<String> {
        let room = columns.saturating_sub(GUTTER_COLUMNS).max(LINE_CHARS_MIN);
        let (text, span) = self.windowed(room);
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), span);
        let report =
            Report::new(MietteDiagnostic::new(String::new()).with_label(label)).with_source_code(text);
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_links(false);
        let mut drawn = String::new();
        // Drawing into a string fails only for spans outside of the text, and ours are cut to it.
        let _ = handler.with_width(columns).render_report(&mut drawn, report.as_ref());
        let has_something = |line: &str| !line.is_empty() && line != "×";
        // Miette names the place in the text as it is shown, which may be an excerpt.
        let with_place = |line: &str| match line.split_once("╭─") {
            Some((before, _)) => format!("{before}╭─[{place}]"),
            None => line.trim_end().to_owned(),
        };
        drawn.lines().filter(|line| has_something(line.trim())).map(with_place).collect()
    }

    /// The text with lines of at most so many characters, and the place in bytes.
    fn windowed(&self, room: usize) -> (String, Range<usize>) {
        let (mut text, mut span) = (String::new(), 0..0);
        for (index, line) in self.text.lines().enumerate() {
            let is_here = index + 1 == self.position.line;
            let column = if is_here { self.position.column.saturating_sub(1) } else { 0 };
            let (shown, skipped) = excerpt(line, column, room);
            if is_here {
                let byte_of = |column: usize| {
                    let byte = shown.char_indices().nth(column.saturating_sub(skipped));
                    text.len() + byte.map_or(shown.len(), |(byte, _)| byte)
                };
                span = byte_of(column)..byte_of(column.saturating_add(self.position.length));
            }
            text.push_str(&shown);
            text.push('\n');
        }
        (text, span)
    }
}

/// At most so many characters of a line around a column, and how many were skipped before them.
fn excerpt(line: &str, column: usize, room: usize) -> (String, usize) {
    // Miette measures tabs in its own way; what a terminal obeys must not reach it either.
    let mut chars: Vec<char> = neutral(line).replace('\t', " ").chars().collect();
    let skipped = if chars.len() > room { column.saturating_sub(room / 3) } else { 0 };
    chars.drain(..skipped.min(chars.len()));
    let is_cut = chars.len() > room;
    chars.truncate(room);
    // An ellipsis takes the place of a character, so that columns stay what they are.
    if let (Some(first), true) = (chars.first_mut(), skipped > 0) {
        *first = ELLIPSIS;
    }
    if let (Some(last), true) = (chars.last_mut(), is_cut) {
        *last = ELLIPSIS;
    }
    (chars.into_iter().collect(), skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::Captured;

    fn drawn(text: &str, line: usize, column: usize, length: usize, variables: &[(&str, &str)]) -> String {
        let captured = Captured::new(variables);
        let position = Position { line, column, length };
        let snippet = Snippet { name: "a.md".to_owned(), text: text.to_owned(), position };
        snippet.print_out(&mut captured.terminal());
        captured.out()
    }

    #[test]
    fn the_place_is_marked_below_its_line() {
        let text = drawn("name: x\ntools: &y Read\n---\n", 2, 8, 2, &[]);
        assert!(text.contains("╭─[a.md:2:8]\n"), "{text}");
        let marks: Vec<usize> = text.lines().filter_map(|line| line.find('┬')).collect();
        let line = text.lines().find(|line| line.contains("&y")).expect("the line is shown");
        assert!(marks.len() == 1 && line.find("&y").is_some(), "{text}");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let long = format!("description: {}HERE{}", "a".repeat(3_000), "b".repeat(3_000));
        let text = drawn(&long, 1, 3_014, 4, &[("COLUMNS", "60")]);
        assert!(text.contains("…aaa") && text.contains("aHEREb") && text.contains("b…"), "{text}");
        assert!(text.lines().all(|line| crate::render::width::columns(line) <= 60), "{text}");
    }

    #[test]
    fn places_outside_of_the_text_are_no_panic() {
        for (line, column, length) in [(9, 1, 1), (1, 99, 1), (1, 1, usize::MAX), (0, 0, 0)] {
            drawn("é\tb", line, column, length, &[("COLUMNS", "10")]);
        }
    }
}
