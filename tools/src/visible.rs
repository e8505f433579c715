//! Text from outside made visible: nothing in it can steer a terminal, hide from a reader or turn its order around.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes control characters (but line feeds and tabs), what changes the direction of text, and characters that are
/// not seen, as `\u{1b}`. Line ends of every kind become line feeds.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            hidden if is_hidden(hidden) => {
                let written = write!(shown, "{}", hidden.escape_unicode());
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// As [`visible`], on one line and of at most so many characters.
pub(crate) fn visible_line(text: &str, chars_max: usize) -> String {
    let line: String =
        text.chars().take(chars_max).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let cut = if text.chars().nth(chars_max).is_some() { "…" } else { "" };
    format!("{}{cut}", visible(line.trim()))
}

/// Cuts a text after so many characters.
pub(crate) fn first_chars(text: &str, chars_max: usize) -> &str {
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        _ if character.is_control() => true,
        // Zero width, bidirectional marks, overrides and isolates, invisible operators, the byte order mark.
        '\u{00ad}'
        | '\u{061c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        // Tags and supplementary variation selectors: whole texts are hidden in them.
        | '\u{e0000}'..='\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_or_steers_is_escaped_and_the_rest_stays() {
        for (text, expected) in [
            ("plain\n\ttext äß 漢 👩\u{200d}💻", "plain\n\ttext äß 漢 👩\u{200d}💻"),
            ("a\r\nb\rc", "a\nb\\u{d}c"),
            ("\u{1b}]52;c;eA==\u{7}", "\\u{1b}]52;c;eA==\\u{7}"),
            ("user\u{202e}txt.exe", "user\\u{202e}txt.exe"),
            ("a\u{e0041}\u{200b}b", "a\\u{e0041}\\u{200b}b"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn a_line_is_one_line_of_known_length() {
        assert_eq!(visible_line(" a\nb\u{7} ", 10), "a b\\u{7}");
        assert_eq!(visible_line("abcdef", 3), "abc…");
        assert_eq!(first_chars("äöü", 2), "äö");
        assert_eq!(first_chars("ä", 2), "ä");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).contains(is_hidden));
        }
    }
}
