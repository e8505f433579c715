//! The tree of results: one line for each task.

use super::{Line, Style, Terminal};

/// Columns of a row where lines may be of any length: rows are headlines, not reports.
const COLUMNS_MAX: usize = 160;

/// One row of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Which task.
    pub(crate) name: String,
    /// How the text looks.
    pub(crate) style: Style,
    /// What came of it.
    pub(crate) text: String,
}

/// Writes the tree to stdout; without box characters where the terminal is a plain one.
pub(crate) fn print(rows: &[Row], terminal: &mut Terminal) {
    terminal.out.line(Line::new().bold("Results:"));
    for (index, row) in rows.iter().enumerate() {
        let branch = match (terminal.is_plain, index + 1 == rows.len()) {
            (true, _) => "- ",
            (false, false) => "├── ",
            (false, true) => "└── ",
        };
        let line = Line::new().text(branch).bold(&row.name).text(": ").styled(row.style, &row.text);
        let columns = terminal.out_room().unwrap_or(COLUMNS_MAX);
        terminal.out.line(line.cut(columns));
    }
}
