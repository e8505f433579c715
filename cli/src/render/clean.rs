//! Texts of models, tools and files on their way to a screen: what a terminal would obey is shown instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Where the pictures of the control characters begin: U+241B shows U+001B.
const CONTROL_PICTURES: u32 = 0x2400;
const DELETE_PICTURE: char = '\u{2421}';

/// A text that no terminal obeys: control characters and bidirectional overrides are shown as what they are. Line
/// breaks and tabs stay.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_obeyed(c) => show(c, &mut shown),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A text on one line: white space of any kind is one blank.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    neutral(&words.join(" ")).into_owned()
}

/// The first line of a report that says something, without the marks of a heading, a list or emphasis.
pub(crate) fn headline(report: &str) -> String {
    let says_something = |line: &&str| line.chars().any(char::is_alphanumeric) && !line.starts_with("```");
    let line = report.lines().map(str::trim).find(says_something).unwrap_or_default();
    let line = line.trim_start_matches('#').trim_start();
    let line =
        ["> ", "- ", "* ", "+ "].iter().fold(line, |line, mark| line.strip_prefix(mark).unwrap_or(line));
    one_line(&line.replace("**", "")).trim_end_matches(':').to_owned()
}

/// Whether a terminal would do something else with a character than show it.
pub(crate) fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn show(c: char, shown: &mut String) {
    let code = u32::from(c);
    match char::from_u32(CONTROL_PICTURES + code) {
        Some(picture) if code < 0x20 => shown.push(picture),
        _ if c == '\u{7f}' => shown.push(DELETE_PICTURE),
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(shown, "<U+{code:04X}>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_in_a_neutral_text() {
        assert_eq!(neutral("a\tb\r\nc"), "a\tb\nc");
        assert_eq!(neutral("\x1b]0;title\x07\x1b[2J"), "␛]0;title␇␛[2J");
        assert_eq!(neutral("one\rtwo\x7f \u{9b}2J \u{202e}x"), "one␍two␡ <U+009B>2J <U+202E>x");
        assert!(matches!(neutral("plain, ünï, 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_headline_is_the_first_line_that_says_something() {
        for (report, expected) in [
            ("# Security review\n\ntext", "Security review"),
            ("\n---\n\n**3 issues found:**\n- a", "3 issues found"),
            ("```\ncode\n```\nDone", "code"),
            ("- `a.sh:1` is **bad**", "`a.sh:1` is bad"),
            ("", ""),
            ("\x1b[2Jgone", "␛[2Jgone"),
        ] {
            assert_eq!(headline(report), expected, "{report:?}");
        }
    }
}
