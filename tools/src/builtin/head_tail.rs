//! The beginning and the end of an output of any size, in memory of one size.

/// Bytes of the longest character.
const CHAR_BYTES_MAX: usize = 4;

/// Keeps the first and the last characters of what is pushed.
#[derive(Clone, Debug)]
pub(super) struct HeadTail {
    /// Bytes that are kept of each end: enough for half of the characters, however long these are.
    end_bytes_max: usize,
    head: Vec<u8>,
    /// The last bytes after the head; up to twice as many as are kept, so that few moves are needed.
    tail: Vec<u8>,
    total: u64,
}

impl HeadTail {
    /// Keeps enough for any [`Self::text`] of up to so many characters.
    pub(super) fn new(chars_max: usize) -> Self {
        let end_bytes_max = CHAR_BYTES_MAX * chars_max.div_ceil(2);
        Self { end_bytes_max, head: Vec::new(), tail: Vec::new(), total: 0 }
    }

    /// Takes the next bytes of the output.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let (head, rest) = bytes.split_at(bytes.len().min(self.end_bytes_max - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = rest.get(rest.len().saturating_sub(self.end_bytes_max)..).unwrap_or_default();
        if self.tail.len() + rest.len() > 2 * self.end_bytes_max {
            let kept = self.end_bytes_max - rest.len();
            self.tail.drain(..self.tail.len() - kept);
        }
        self.tail.extend_from_slice(rest);
    }

    /// The output, or its two ends with a note of how much was cut between them. Never more characters than asked for,
    /// the note aside.
    pub(super) fn text(&self, chars_max: usize) -> String {
        let tail = self.tail.get(self.tail.len().saturating_sub(self.end_bytes_max)..).unwrap_or_default();
        let kept = u64::try_from(self.head.len() + tail.len()).unwrap_or(u64::MAX);
        if self.total <= kept {
            let whole = [self.head.as_slice(), tail].concat();
            let whole = String::from_utf8_lossy(&whole);
            return match whole.char_indices().nth(chars_max) {
                None => whole.into_owned(),
                Some(_) => self.cut(&whole, &whole, chars_max),
            };
        }
        self.cut(&String::from_utf8_lossy(&self.head), &String::from_utf8_lossy(tail), chars_max)
    }

    fn cut(&self, head: &str, tail: &str, chars_max: usize) -> String {
        let head_chars = chars_max.div_ceil(2);
        let tail_chars = chars_max - head_chars;
        let end = head.char_indices().nth(head_chars).map_or(head.len(), |(end, _)| end);
        let start = match tail_chars.checked_sub(1) {
            None => tail.len(),
            Some(last) => tail.char_indices().rev().nth(last).map_or(0, |(start, _)| start),
        };
        let (head, tail) = (head.get(..end).unwrap_or_default(), tail.get(start..).unwrap_or_default());
        let shown = u64::try_from(head.len() + tail.len()).unwrap_or(u64::MAX);
        let cut = self.total.saturating_sub(shown);
        format!("{head}\n\n... [{cut} bytes cut] ...\n\n{tail}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collected<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, chars_max: usize) -> HeadTail {
        let mut output = HeadTail::new(chars_max);
        pieces.into_iter().for_each(|piece| output.push(piece));
        output
    }

    #[test]
    fn what_fits_is_kept_whole_and_the_rest_is_cut_in_the_middle() {
        for (output, expected) in [
            ("", ""),
            ("12345678", "12345678"),
            ("123456789", "1234\n\n... [1 bytes cut] ...\n\n6789"),
            ("äöüäöüäöü", "äöüä\n\n... [2 bytes cut] ...\n\nüäöü"),
        ] {
            assert_eq!(collected([output.as_bytes()], 8).text(8), expected);
        }
        let small = collected([&b"123456789"[..]], 8);
        assert_eq!(small.text(3), "12\n\n... [6 bytes cut] ...\n\n9");
        assert_eq!(small.text(0), "\n\n... [9 bytes cut] ...\n\n");
    }

    #[test]
    fn memory_does_not_grow_with_the_output() {
        let block = [b'x'; 10_000];
        let mut output = HeadTail::new(100);
        for _ in 0..1_000 {
            output.push(&block);
        }
        assert!(output.head.capacity() + output.tail.capacity() < 2_000, "{output:?}");
        assert!(output.text(100).contains("[9999900 bytes cut]"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// However an output is cut into pieces, the text is made of the output's first and last characters.
        #[test]
        fn any_pieces_make_the_same_text(
            output in "[aä€😀\n]{0,60}",
            chars_max in 1_usize..20,
            cuts in prop::collection::vec(1_usize..40, 1..20),
        ) {
            let (mut rest, mut cuts) = (output.as_bytes(), cuts.into_iter().cycle());
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            let chars: Vec<char> = output.chars().collect();
            let expected = if chars.len() <= chars_max {
                output.clone()
            } else {
                let (head, rest) = chars.split_at(chars_max.div_ceil(2));
                let (cut, tail) = rest.split_at(rest.len() - chars_max / 2);
                let text = |chars: &[char]| chars.iter().collect::<String>();
                format!("{}\n\n... [{} bytes cut] ...\n\n{}", text(head), text(cut).len(), text(tail))
            };
            prop_assert_eq!(collected(pieces, chars_max).text(chars_max), expected);
        }
    }
}
