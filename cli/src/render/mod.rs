//! Everything that people see, and the only place that writes to the terminal.

pub(crate) mod clean;
pub(crate) mod figures;
mod four_lines;
mod line;
mod mark;
mod path;
mod prose;
mod snippet;
mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tree;
pub(crate) mod width;

pub(crate) use four_lines::{FourLines, sentence};
pub(crate) use line::{Line, Style};
pub(crate) use mark::Mark;
pub(crate) use path::{shown_origin, shown_path};
pub(crate) use snippet::Snippet;
pub(crate) use terminal::{Stream, Terminal};
