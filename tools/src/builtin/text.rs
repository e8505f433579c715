//! The text of a file, and how it was encoded, so that it goes back as it came.

use std::borrow::Cow;

/// Largest file that is held in memory as a whole.
pub(super) const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";
const UTF16_LE_BOM: &[u8] = b"\xff\xfe";
const UTF16_BE_BOM: &[u8] = b"\xfe\xff";

/// How text is stored in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// UTF-8 behind a byte order mark.
    Utf8WithMark,
    /// UTF-16 behind a mark, low byte first.
    Utf16Le,
    /// UTF-16 behind a mark, high byte first.
    Utf16Be,
    /// Anything else that keeps ASCII: each byte stands for itself.
    Bytes,
}

/// Decoded text without its byte order mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) encoding: Encoding,
    pub(super) text: String,
}

impl Text {
    /// Decodes a whole file; no content is lost whatever it is.
    pub(super) fn decode(content: &[u8]) -> Self {
        let decoded = if let Some(rest) = content.strip_prefix(UTF8_BOM) {
            std::str::from_utf8(rest).ok().map(|text| (Encoding::Utf8WithMark, text.to_owned()))
        } else if let Some(rest) = content.strip_prefix(UTF16_LE_BOM) {
            from_utf16(rest, u16::from_le_bytes).map(|text| (Encoding::Utf16Le, text))
        } else if let Some(rest) = content.strip_prefix(UTF16_BE_BOM) {
            from_utf16(rest, u16::from_be_bytes).map(|text| (Encoding::Utf16Be, text))
        } else {
            std::str::from_utf8(content).ok().map(|text| (Encoding::Utf8, text.to_owned()))
        };
        let (encoding, text) = decoded
            .unwrap_or_else(|| (Encoding::Bytes, content.iter().map(|byte| char::from(*byte)).collect()));
        Self { encoding, text }
    }
}

impl Encoding {
    /// Whether a file that begins like this is UTF-16, which is full of NUL bytes and yet text.
    pub(super) fn is_utf16(start: &[u8]) -> bool {
        start.starts_with(UTF16_LE_BOM) || start.starts_with(UTF16_BE_BOM)
    }

    /// What a model wrote, in the terms of a text of this encoding.
    pub(super) fn written(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Utf8 | Self::Utf8WithMark | Self::Utf16Le | Self::Utf16Be => Cow::Borrowed(text),
            Self::Bytes => Cow::Owned(text.bytes().map(char::from).collect()),
        }
    }

    /// A part of a text of this encoding, as a model reads it.
    pub(super) fn shown(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Utf8 | Self::Utf8WithMark | Self::Utf16Le | Self::Utf16Be => Cow::Borrowed(text),
            Self::Bytes => Cow::Owned(String::from_utf8_lossy(&self.encode(text)).into_owned()),
        }
    }

    /// The bytes of a text; the opposite of [`Text::decode`].
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8WithMark => [UTF8_BOM, text.as_bytes()].concat(),
            Self::Utf16Le => to_utf16(UTF16_LE_BOM, text, u16::to_le_bytes),
            Self::Utf16Be => to_utf16(UTF16_BE_BOM, text, u16::to_be_bytes),
            // Characters of such a text were bytes, and so were those of everything put into it.
            Self::Bytes => text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect(),
        }
    }
}

fn from_utf16(content: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = content.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    if rest.is_empty() { char::decode_utf16(units).collect::<Result<String, _>>().ok() } else { None }
}

fn to_utf16(mark: &[u8], text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_encoding_is_told_by_its_beginning() {
        for (content, encoding, text) in [
            (b"a\xc3\xa4".to_vec(), Encoding::Utf8, "aä"),
            (b"\xef\xbb\xbfa".to_vec(), Encoding::Utf8WithMark, "a"),
            (b"\xff\xfea\0\xe4\0".to_vec(), Encoding::Utf16Le, "aä"),
            (b"\xfe\xff\0a\0\xe4".to_vec(), Encoding::Utf16Be, "aä"),
            (b"caf\xe9".to_vec(), Encoding::Bytes, "caf\u{e9}"),
            (b"\xff\xfea\0\xe4".to_vec(), Encoding::Bytes, "\u{ff}\u{fe}a\0\u{e4}"),
        ] {
            let decoded = Text::decode(&content);
            assert_eq!(decoded, Text { encoding, text: text.to_owned() });
            assert_eq!(encoding.encode(text), content);
        }
    }

    #[test]
    fn what_a_model_writes_into_an_unknown_encoding_is_utf8_there() {
        let written = Encoding::Bytes.written("ä");
        assert_eq!(Encoding::Bytes.encode(&written), "ä".as_bytes());
        assert_eq!(Encoding::Bytes.shown(&written), "ä");
    }

    proptest! {
        #[test]
        fn every_content_comes_back_as_it_was(
            mark in prop::sample::select(vec![&b""[..], UTF8_BOM, UTF16_LE_BOM, UTF16_BE_BOM]),
            rest in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let content = [mark, &rest].concat();
            let decoded = Text::decode(&content);
            prop_assert_eq!(decoded.encoding.encode(&decoded.text), content);
        }
    }
}
