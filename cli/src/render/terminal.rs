//! The two streams of the command: all output goes through here. A stream that nobody reads any longer swallows what
//! comes after, so that a closed pipe is an end and not a failure.

use std::io::{self, ErrorKind, IsTerminal, Write};

use codex_task::Environment;

use super::clean::neutral;
use super::prose;
use super::width::{columns, wrap};
use super::{Line, Style};
use crate::approve::Desk;

/// Columns of a terminal whose size is not known.
const COLUMNS_USUAL: usize = 80;
/// Blanks before the continuation of a wrapped paragraph.
const INDENT: &str = "  ";

/// Where data and everything else go.
pub(crate) struct Terminal {
    /// Data.
    pub(crate) out: Stream,
    /// Everything else.
    pub(crate) err: Stream,
    /// For screen readers and simple terminals: no live redraw, no box characters.
    pub(crate) is_plain: bool,
    /// Where questions are answered, when somebody sits there; taken by whoever runs tasks.
    pub(crate) desk: Option<Desk>,
}

/// One of the two.
pub(crate) struct Stream {
    writer: Box<dyn Write + Send>,
    /// Whether a person looks at it.
    is_terminal: bool,
    /// Columns that a line has; `None` where lines may be of any length.
    pub(crate) columns: Option<usize>,
    is_colored: bool,
    /// Whether lines may be drawn over: a terminal that is not `dumb`.
    can_redraw: bool,
    state: State,
}

/// What became of the reader.
enum State {
    Open,
    /// It is gone.
    Closed,
    /// Writing failed in another way, for example because a disk is full.
    Failed(io::Error),
}

impl Terminal {
    /// The process's own streams.
    pub(crate) fn of_process(environment: &Environment) -> Self {
        let size = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            size.map(|(columns, _)| usize::from(columns.0))
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let (out_columns, err_columns) =
            (size(terminal_size::terminal_size_of(&stdout)), size(terminal_size::terminal_size_of(&stderr)));
        let out = Stream::new(stdout.is_terminal(), out_columns, environment, stdout);
        let err = Stream::new(stderr.is_terminal(), err_columns, environment, stderr);
        Self { out, err, is_plain: false, desk: None }
    }

    /// Whether lines on stderr may be drawn over.
    pub(crate) fn can_redraw(&self) -> bool {
        self.err.can_redraw && !self.is_plain
    }

    /// Columns that a row of stdout is cut to. Plain output is never cut: it is listened to.
    pub(crate) fn out_room(&self) -> Option<usize> {
        self.out.columns.filter(|_| !self.is_plain)
    }

    /// Columns that a line of stderr is cut to; see [`Terminal::out_room`].
    pub(crate) fn err_room(&self) -> Option<usize> {
        self.err.columns.filter(|_| !self.is_plain)
    }

    /// Turns box characters, colours and live lines off.
    pub(crate) fn make_plain(&mut self) {
        self.is_plain = true;
        self.out.is_colored = false;
        self.err.is_colored = false;
    }
}

impl Stream {
    /// A stream; `COLUMNS` beats the terminal's own size, `NO_COLOR` and `TERM=dumb` turn colours off.
    pub(crate) fn new(
        is_terminal: bool,
        columns: Option<usize>,
        environment: &Environment,
        writer: impl Write + Send + 'static,
    ) -> Self {
        let wanted = environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let own = is_terminal.then(|| columns.unwrap_or(COLUMNS_USUAL));
        let can_redraw = is_terminal && environment.get("TERM") != Some("dumb");
        Self {
            writer: Box::new(writer),
            is_terminal,
            columns: wanted.filter(|columns| *columns > 0).or(own),
            is_colored: can_redraw && environment.get("NO_COLOR").is_none(),
            can_redraw,
            state: State::Open,
        }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl Into<Line>) {
        let mut text = line.into().render(self.is_colored);
        text.push('\n');
        self.write(&text);
    }

    /// Writes a label and a text; where lines have a width no word is broken in two.
    pub(crate) fn paragraph(&mut self, label: &str, style: Style, text: &str) {
        let Some(columns_max) = self.columns else {
            return self.line(Line::new().styled(style, label).text(" ").text(text));
        };
        // While the text is wrapped, label and blank count as the beginning of its first word.
        let gap = "x".repeat(columns(label) + 1);
        let mut lines = wrap(&format!("{gap}{text}"), columns_max.saturating_sub(INDENT.len())).into_iter();
        let first = lines.next().unwrap_or_default();
        let first = first.strip_prefix(&gap).unwrap_or_default().to_owned();
        self.line(Line::new().styled(style, label).text(" ").text(first));
        for line in lines {
            self.line(Line::new().text(INDENT).text(line));
        }
    }

    /// Writes a text in a style; where lines have a width no word is broken in two.
    pub(crate) fn wrapped(&mut self, style: Style, text: &str) {
        let Some(columns) = self.columns else { return self.line(Line::new().styled(style, text)) };
        for line in wrap(text, columns) {
            self.line(Line::new().styled(style, line));
        }
    }

    /// Writes a text of several lines that comes from elsewhere: as it is for programs, neutralised and broken between
    /// words for terminals. Ends with a line break.
    pub(crate) fn block(&mut self, text: &str) {
        if self.is_terminal {
            let text = neutral(text);
            let columns = self.columns.unwrap_or(COLUMNS_USUAL);
            self.write(&prose::wrapped(&text, columns));
        } else {
            self.write(text);
        }
        if !text.ends_with('\n') {
            self.write("\n");
        }
    }

    /// Writes a line of our own that must not be changed: JSON, help.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.write(text);
        if !text.ends_with('\n') {
            self.write("\n");
        }
    }

    /// Whether a person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether the reader is gone.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Writes what is still buffered and gives the first failure, if there was one.
    pub(crate) fn finish(&mut self) -> Option<io::Error> {
        let flushed = self.writer.flush();
        self.note(flushed);
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Failed(error) => Some(error),
            State::Open | State::Closed => None,
        }
    }

    fn write(&mut self, text: &str) {
        if matches!(self.state, State::Open) {
            let written = self.writer.write_all(text.as_bytes());
            self.note(written);
        }
    }

    fn note(&mut self, written: io::Result<()>) {
        if let (Err(error), State::Open) = (written, &self.state) {
            let is_gone = error.kind() == ErrorKind::BrokenPipe;
            self.state = if is_gone { State::Closed } else { State::Failed(error) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stream(is_terminal: bool, variables: &[(&str, &str)], writer: impl Write + Send + 'static) -> Stream {
        Stream::new(is_terminal, Some(100), &Environment::new("/", variables.iter().copied()), writer)
    }

    #[test]
    fn a_closed_pipe_swallows_and_a_full_disk_is_told() {
        let mut closed = stream(false, &[], Broken(ErrorKind::BrokenPipe));
        closed.line("x");
        assert!(closed.is_closed() && closed.finish().is_none());
        let mut full = stream(false, &[], Broken(ErrorKind::StorageFull));
        full.line("x");
        assert_eq!(full.finish().map(|error| error.kind()), Some(ErrorKind::StorageFull));
    }

    #[test]
    fn colours_need_a_terminal_that_nobody_has_asked_to_be_colourless() {
        let bold = |is_terminal, variables: &[(&str, &str)]| {
            Line::new().bold("x").render(stream(is_terminal, variables, io::sink()).is_colored)
        };
        assert_eq!(bold(true, &[]), "\x1b[1mx\x1b[0m");
        assert_eq!(bold(false, &[]), "x");
        assert_eq!(bold(true, &[("NO_COLOR", "1")]), "x");
        assert_eq!(bold(true, &[("TERM", "dumb")]), "x");
    }

    #[test]
    fn columns_come_from_the_variable_then_from_the_terminal() {
        let columns =
            |is_terminal, variables: &[(&str, &str)]| stream(is_terminal, variables, io::sink()).columns;
        assert_eq!(columns(true, &[("COLUMNS", "60")]), Some(60));
        assert_eq!(columns(true, &[]), Some(100));
        assert_eq!(columns(false, &[]), None);
        assert_eq!(columns(false, &[("COLUMNS", "60")]), Some(60));
    }
}
