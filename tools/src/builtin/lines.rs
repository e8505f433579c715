//! A window of numbered lines over a text that comes in pieces of any size.

use std::fmt::Write as _;

/// Longest line that is shown, in characters.
pub(super) const LINE_CHARS_MAX: usize = 2_000;

/// Bytes of a line that are kept: enough for every shown character and for a cut one after them.
const LINE_BYTES_MAX: usize = 4 * (LINE_CHARS_MAX + 1);

/// Appends one line as `cat -n` writes it, with an arrow for the tab.
pub(super) fn push_numbered(out: &mut String, number: u64, line: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    let written = write!(out, "{number:>6}→");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    match line.char_indices().nth(LINE_CHARS_MAX) {
        None => out.push_str(line),
        Some((end, _)) => {
            out.push_str(line.get(..end).unwrap_or_default());
            out.push_str("... [truncated]");
        }
    }
}

/// Collects the lines from `offset` on: at most `limit` of them and at most `chars_max` characters.
#[derive(Debug)]
pub(super) struct LineWindow {
    offset: u64,
    limit: u64,
    chars_max: usize,
    /// Number of the line that the next byte belongs to, from one.
    number: u64,
    /// The beginning of that line, if it will be shown.
    line: Vec<u8>,
    /// Whether that line has any byte yet.
    has_begun: bool,
    shown: u64,
    chars: usize,
    is_full: bool,
    out: String,
}

/// What a [`LineWindow`] has collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The numbered lines.
    pub(super) text: String,
    /// How many they are.
    pub(super) shown: u64,
    /// Lines of the whole text, as far as it was pushed.
    pub(super) total: u64,
}

impl LineWindow {
    /// A window that begins with the line `offset`, counted from one; zero means one.
    pub(super) fn new(offset: u64, limit: u64, chars_max: usize) -> Self {
        Self {
            offset: offset.max(1),
            limit,
            chars_max,
            number: 1,
            line: Vec::new(),
            has_begun: false,
            shown: 0,
            chars: 0,
            is_full: limit == 0,
            out: String::new(),
        }
    }

    /// Whether nothing more will be shown, so that the rest is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes the next bytes of the text.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        let breaks = count(bytes);
        let is_before = self.number.saturating_add(breaks) < self.offset;
        if self.is_full || is_before {
            self.number = self.number.saturating_add(breaks);
            self.has_begun = *last != b'\n';
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (content, ends) = match piece.strip_suffix(b"\n") {
                Some(content) => (content, true),
                None => (piece, false),
            };
            if self.number >= self.offset && !self.is_full {
                let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
                self.line.extend(content.iter().take(room));
            }
            self.has_begun = true;
            if ends {
                if self.line.last() == Some(&b'\r') {
                    self.line.pop();
                }
                self.end_line();
            }
        }
    }

    /// The lines; a last one without a line break counts.
    pub(super) fn finish(mut self) -> Window {
        if self.has_begun {
            self.end_line();
        }
        Window { text: self.out, shown: self.shown, total: self.number - 1 }
    }

    fn end_line(&mut self) {
        if self.number >= self.offset && !self.is_full {
            let text = String::from_utf8_lossy(&self.line);
            let chars = text.chars().take(LINE_CHARS_MAX).count();
            if self.shown > 0 && self.chars + chars > self.chars_max {
                self.is_full = true;
            } else {
                push_numbered(&mut self.out, self.number, &text);
                self.chars += chars;
                self.shown += 1;
                self.is_full = self.shown >= self.limit;
            }
        }
        self.line.clear();
        self.has_begun = false;
        self.number = self.number.saturating_add(1);
    }
}

fn count(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
