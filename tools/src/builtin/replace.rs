//! Replacing one text by another in a third, with line endings that stay what they are.

use std::borrow::Cow;
use std::ops::Range;

/// Which of several occurrences are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrences {
    /// There must be one only.
    One,
    All,
}

/// A text after replacing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) text: String,
    /// How many occurrences were replaced.
    pub(super) count: usize,
    /// Where the first replacement stands in the new text.
    pub(super) first: Range<usize>,
}

/// Why nothing was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    NotFound,
    /// There are so many occurrences.
    Ambiguous(usize),
}

/// Replaces `old`, which is not empty, by `new`.
///
/// A model writes line feeds, whatever the file has. In a file with Windows line endings both texts get those; where
/// endings are mixed, the occurrence decides.
///
/// # Errors
/// [`Mismatch`] when `old` does not occur, or occurs several times and one is meant.
pub(super) fn replace(text: &str, old: &str, new: &str, which: Occurrences) -> Result<Replaced, Mismatch> {
    let as_written = (Cow::Borrowed(old), Cow::Borrowed(new));
    let windows = || (Cow::Owned(with_crlf(old)), Cow::Owned(with_crlf(new)));
    let candidates = match LineEnding::of(text) {
        LineEnding::Lf => vec![as_written],
        LineEnding::MostlyLf => vec![as_written, windows()],
        LineEnding::MostlyCrlf => vec![windows(), as_written],
    };
    for (old, new) in candidates {
        let count = text.matches(old.as_ref()).count();
        let Some(start) = text.find(old.as_ref()) else { continue };
        if count > 1 && which == Occurrences::One {
            return Err(Mismatch::Ambiguous(count));
        }
        let text = text.replace(old.as_ref(), &new);
        return Ok(Replaced { text, count, first: start..start + new.len() });
    }
    Err(Mismatch::NotFound)
}

enum LineEnding {
    /// No Windows line ending at all.
    Lf,
    MostlyLf,
    MostlyCrlf,
}

impl LineEnding {
    fn of(text: &str) -> Self {
        let crlf = text.matches("\r\n").count();
        let all = text.matches('\n').count();
        match crlf {
            0 => Self::Lf,
            _ if crlf > all - crlf => Self::MostlyCrlf,
            _ => Self::MostlyLf,
        }
    }
}

fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(found: Result<Replaced, Mismatch>) -> Result<String, Mismatch> {
        found.map(|replaced| replaced.text)
    }

    #[test]
    fn line_endings_stay_what_they_are() {
        for (before, old, new, expected) in [
            ("a\nb\nc\n", "a\nb", "x\ny\nz", "x\ny\nz\nc\n"),
            ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
            ("a\r\nb\r\nc\r\n", "b", "x\ny", "a\r\nx\r\ny\r\nc\r\n"),
            ("a\r\nb\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\n"),
            // Mixed: the occurrence decides.
            ("a\r\nb\r\nc\nd\n", "c\nd", "c\ne", "a\r\nb\r\nc\ne\n"),
            ("a\nb\nc\nd\r\ne", "c\nd\ne", "x", "a\nb\nc\nd\r\ne"),
            ("a\nb\nd\r\ne", "d\ne", "x\ny", "a\nb\nx\r\ny"),
            // A file with line feeds only gets exactly what was written.
            ("a\nb\n", "b", "x\r\ny", "a\nx\r\ny\n"),
        ] {
            let found = text(replace(before, old, new, Occurrences::One));
            let found = found.unwrap_or_else(|_| before.to_owned());
            assert_eq!(found, expected, "{before:?} {old:?}");
        }
    }

    #[test]
    fn several_occurrences_are_counted_and_replaced_only_when_all_are_meant() {
        assert_eq!(replace("a b a b a", "a", "x", Occurrences::One), Err(Mismatch::Ambiguous(3)));
        let replaced = replace("a b a b a", "a", "xy", Occurrences::All).unwrap();
        assert_eq!(replaced, Replaced { text: "xy b xy b xy".into(), count: 3, first: 0..2 });
        assert_eq!(replace("a b", "c", "x", Occurrences::All), Err(Mismatch::NotFound));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn replacing_is_what_the_standard_library_does(
            before in "[ab\n]{0,12}",
            old in "[ab\n]{1,3}",
            new in "[abc\n]{0,3}",
        ) {
            let count = before.matches(&old).count();
            let one = text(replace(&before, &old, &new, Occurrences::One));
            prop_assert_eq!(one, match count {
                0 => Err(Mismatch::NotFound),
                1 => Ok(before.replacen(&old, &new, 1)),
                _ => Err(Mismatch::Ambiguous(count)),
            });
            if let Ok(all) = replace(&before, &old, &new, Occurrences::All) {
                prop_assert_eq!(&all.text, &before.replace(&old, &new));
                prop_assert_eq!(&all.text[all.first], new.as_str());
            }
        }

        #[test]
        fn a_windows_file_is_edited_as_if_its_lines_ended_with_line_feeds(
            before in "[ab\n]{0,12}",
            old in "[ab\n]{1,3}",
            new in "[abc\n]{0,3}",
        ) {
            prop_assume!(before.contains('\n'));
            let expected = text(replace(&before, &old, &new, Occurrences::One)).map(|text| with_crlf(&text));
            prop_assert_eq!(text(replace(&with_crlf(&before), &old, &new, Occurrences::One)), expected);
        }
    }
}
