//! The lines of a file around a problem, with the place marked.

use codex_task_config::Position;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::clean::neutral;
use super::{Line, Stream, Terminal};

/// Columns where lines may be of any length.
const COLUMNS_USUAL: usize = 100;
/// Blanks before each line, so that the snippet belongs to what stands above it.
const INDENT: &str = "  ";

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// What the text is called: a path, an argument.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
    /// The place.
    pub(crate) position: Position,
    /// What is to be seen there.
    pub(crate) label: String,
}

impl Snippet {
    /// The lines, without colours.
    fn lines(&self, columns: usize, is_plain: bool) -> Vec<String> {
        // Miette measures tabs in its own way; what a terminal obeys must not reach it either.
        let text = neutral(&self.text).replace('\t', " ");
        let span = byte_span(&text, self.position);
        let diagnostic = MietteDiagnostic::new(String::new())
            .with_label(LabeledSpan::new_with_span(Some(self.label.clone()), span));
        let report = Report::new(diagnostic).with_source_code(NamedSource::new(&self.name, text));
        let theme = if is_plain { GraphicalTheme::none() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(columns);
        let mut drawn = String::new();
        // Drawing into a string fails only for spans outside of the text, and ours are cut to it.
        let _ = handler.render_report(&mut drawn, report.as_ref());
        let is_frame = |line: &&str| !line.trim().is_empty() && line.trim() != "×" && line.trim() != "x";
        drawn.lines().filter(is_frame).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Writes the lines to stdout.
    pub(crate) fn print_out(&self, terminal: &mut Terminal) {
        print(self, terminal.is_plain, &mut terminal.out);
    }

    /// Writes the lines to stderr.
    pub(crate) fn print_err(&self, terminal: &mut Terminal) {
        print(self, terminal.is_plain, &mut terminal.err);
    }
}

fn print(snippet: &Snippet, is_plain: bool, stream: &mut Stream) {
    let columns = stream.columns.unwrap_or(COLUMNS_USUAL).saturating_sub(INDENT.len());
    for line in snippet.lines(columns, is_plain) {
        stream.line(Line::new().text(INDENT).text(line));
    }
}

/// Where a place of lines and columns is in the text, in bytes.
fn byte_span(text: &str, at: Position) -> std::ops::Range<usize> {
    let line_start: usize = text.split_inclusive('\n').take(at.line.saturating_sub(1)).map(str::len).sum();
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let byte_of = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte);
    let first = at.column.saturating_sub(1);
    let (start, end) = (line_start + byte_of(first), line_start + byte_of(first.saturating_add(at.length)));
    start..end.max(start)
}
