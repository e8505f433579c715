//! `1-5`: which pages of a document are asked for.

use crate::ToolError;

/// Pages of a document, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRange {
    first: u32,
    /// `None` up to the last one.
    last: Option<u32>,
}

impl PageRange {
    /// Pages of one call.
    pub(super) const PAGES_MAX: u32 = 20;

    /// Reads `3`, `1-5` or `10-`.
    ///
    /// # Errors
    /// [`ToolError::Input`] for anything else.
    pub(crate) fn parse(text: &str) -> Result<Self, ToolError> {
        let number = |text: &str| text.trim().parse().ok().filter(|page: &u32| *page > 0);
        let range = match text.split_once('-') {
            None => number(text).map(|page| Self { first: page, last: Some(page) }),
            Some((first, last)) if last.trim().is_empty() => {
                number(first).map(|first| Self { first, last: None })
            }
            Some((first, last)) => number(first)
                .zip(number(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| Self { first, last: Some(last) }),
        };
        range.ok_or_else(|| {
            ToolError::Input(format!(
                "Invalid pages parameter: \"{text}\". Use formats like \"1-5\", \"3\", or \"10-20\". Pages are 1-indexed."
            ))
        })
    }

    /// The pages of a document with so many.
    ///
    /// # Errors
    /// What is wrong with the range, as a sentence.
    pub(super) fn within(self, total: u32) -> Result<std::ops::RangeInclusive<u32>, String> {
        let last = self.last.unwrap_or(total).min(total);
        if self.first > total {
            return Err(format!("has {total} pages, and none of those that were asked for"));
        }
        if last - self.first >= Self::PAGES_MAX {
            return Err(format!(
                "has more pages in this range than the {} of one call. Ask for fewer, for instance pages \"{}-{}\"",
                Self::PAGES_MAX,
                self.first,
                self.first + Self::PAGES_MAX - 1
            ));
        }
        Ok(self.first..=last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_read_as_claude_code_writes_them() {
        for (text, first, last) in
            [("3", 3, Some(3)), ("1-5", 1, Some(5)), (" 10 - 20 ", 10, Some(20)), ("10-", 10, None)]
        {
            assert_eq!(PageRange::parse(text), Ok(PageRange { first, last }), "{text}");
        }
        for text in ["", "0", "-5", "5-1", "a", "1,2", "1-2-3", "0-3", "99999999999"] {
            assert!(PageRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_ends_with_the_document_and_has_at_most_twenty_pages() {
        let within = |text: &str, total| PageRange::parse(text).unwrap().within(total);
        assert_eq!(within("2-9", 4), Ok(2..=4));
        assert_eq!(within("10-", 29), Ok(10..=29));
        assert!(within("10-", 30).unwrap_err().contains("pages \"10-29\""));
        assert!(within("5", 4).unwrap_err().contains("has 4 pages"));
    }

    proptest! {
        #[test]
        fn what_is_within_is_there_and_bounded(text in "[0-9]{1,4}(-[0-9]{0,4})?", total in 1_u32..5_000) {
            if let Ok(pages) = PageRange::parse(&text).map_err(|e| e.to_string()).and_then(|range| range.within(total)) {
                prop_assert!(*pages.start() >= 1 && *pages.end() <= total && pages.count() <= 20);
            }
        }
    }
}
