//! How much room a text takes on a screen, and how to make it take less.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const ELLIPSIS: char = '…';

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// A text that takes at most so many columns; where it is cut stands `…`.
pub(crate) fn cut(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = columns_max.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    if columns_max > 0 {
        kept.push(ELLIPSIS);
    }
    kept
}

/// A text with blanks behind it, so that it takes so many columns.
pub(crate) fn pad(text: &str, columns_wanted: usize) -> String {
    let blanks = columns_wanted.saturating_sub(columns(text));
    format!("{text}{:blanks$}", "")
}

/// A paragraph in lines of at most so many columns, broken between words; a word that is wider stays whole.
pub(crate) fn wrap(text: &str, columns_max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line) + 1 + columns(word) <= columns_max {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("日本語のテスト", 7), "日本語…");
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities a", 5), ["incomprehensibilities", "a"]);
    }

    proptest! {
        #[test]
        fn a_cut_text_never_takes_more_than_its_columns(text in "\\PC{0,40}", columns_max in 0_usize..30) {
            prop_assert!(columns(&cut(&text, columns_max)) <= columns_max);
        }
    }
}
