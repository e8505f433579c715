//! Searching one file, by ripgrep's searcher.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

use grep_matcher::LineTerminator;
use grep_regex::RegexMatcher;
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};

use super::blocking::Stop;

/// Characters of a line that are shown.
const LINE_CHARS_MAX: usize = 500;

/// Memory for one file's longest line, or for a whole file where matches may cross lines.
const HEAP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is wanted of each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whether there is a match.
    Any,
    /// How many lines match.
    Count,
    /// The lines themselves.
    Lines,
}

/// How lines are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) wanted: Wanted,
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) has_numbers: bool,
    pub(super) crosses_lines: bool,
    /// Lines, files or counts that are shown.
    pub(super) lines_max: usize,
}

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileHits {
    /// Lines as they are shown; only where lines are wanted.
    pub(super) lines: Vec<String>,
    /// Matching lines, as far as they were looked for.
    pub(super) count: u64,
}

/// Searches files one after the other; each thread has its own.
pub(super) struct FileSearch<'a> {
    matcher: &'a RegexMatcher,
    shape: Shape,
    searcher: Searcher,
    stop: &'a Stop,
}

impl<'a> FileSearch<'a> {
    pub(super) fn new(matcher: &'a RegexMatcher, shape: Shape, stop: &'a Stop) -> Self {
        let context = |lines| if shape.wanted == Wanted::Lines { lines } else { 0 };
        let mut builder = SearcherBuilder::new();
        builder
            .line_number(shape.has_numbers)
            .multi_line(shape.crosses_lines)
            .before_context(context(shape.before))
            .after_context(context(shape.after))
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(HEAP_BYTES_MAX))
            // A mapped file that somebody shortens meanwhile would end the process.
            .memory_map(MmapChoice::never());
        if !shape.crosses_lines {
            builder.line_terminator(LineTerminator::crlf());
        }
        Self { matcher, shape, searcher: builder.build(), stop }
    }

    /// Whether a search fails only because it was told to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Searches a file; `prefix` stands before each of its lines.
    ///
    /// # Errors
    /// When the file cannot be read, or one of its lines is too long to be held.
    pub(super) fn search(&mut self, file: File, prefix: Option<&str>) -> io::Result<FileHits> {
        let mut sink = Hits { shape: self.shape, prefix, found: FileHits::default() };
        let reader = Stoppable { file, stop: self.stop };
        self.searcher.search_reader(self.matcher, reader, &mut sink)?;
        Ok(sink.found)
    }
}

/// A file whose reading ends when it is told to.
struct Stoppable<'a> {
    file: File,
    stop: &'a Stop,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_set() { Err(io::Error::other("stopped")) } else { self.file.read(buffer) }
    }
}

/// Takes what the searcher finds.
struct Hits<'a> {
    shape: Shape,
    prefix: Option<&'a str>,
    found: FileHits,
}

impl Hits<'_> {
    /// One line more than is shown tells that there are more.
    fn is_full(&self) -> bool {
        self.found.lines.len() > self.shape.lines_max
    }

    /// `path:12:text` for a match and `path-12-text` for a line around it.
    fn push(&mut self, number: Option<u64>, separator: char, line: &[u8]) {
        if self.is_full() {
            return;
        }
        let mut out = String::new();
        if let Some(prefix) = self.prefix {
            out.push_str(prefix);
            out.push(separator);
        }
        if let Some(number) = number {
            let written = write!(out, "{number}{separator}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        match line.char_indices().nth(LINE_CHARS_MAX) {
            None => out.push_str(&line),
            Some((end, _)) => {
                let (shown, cut) = line.split_at(end);
                let written = write!(out, "{shown}... [{} more characters]", cut.chars().count());
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
        }
        self.found.lines.push(out);
    }
}

impl Sink for Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        self.found.count += 1;
        match self.shape.wanted {
            Wanted::Any => Ok(false),
            Wanted::Count => Ok(true),
            Wanted::Lines => {
                for (index, line) in (0_u64..).zip(found.lines()) {
                    self.push(found.line_number().map(|first| first + index), ':', line);
                }
                Ok(!self.is_full())
            }
        }
    }

    fn context(&mut self, _searcher: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        self.push(context.line_number(), '-', context.bytes());
        Ok(!self.is_full())
    }

    fn context_break(&mut self, _searcher: &Searcher) -> io::Result<bool> {
        self.found.lines.push("--".to_owned());
        Ok(!self.is_full())
    }
}
