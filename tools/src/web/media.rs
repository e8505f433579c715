//! What kind of thing a server sent, and its bytes as text.

use encoding_rs::{Encoding, UTF_8};

/// Bytes of a page that are looked at to tell what it is.
const SNIFFED_BYTES_MAX: usize = 1024;

/// What a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// A web page.
    Html,
    /// Any other text.
    Text,
    /// Something that only its content can tell.
    Unknown,
    /// Anything else.
    Binary,
}

/// A `content-type` without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Media {
    /// What a `content-type` promises.
    pub(super) fn of(essence: &str) -> Self {
        match essence {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "" | "application/octet-stream" | "binary/octet-stream" => Self::Unknown,
            "application/json"
            | "application/javascript"
            | "application/ecmascript"
            | "application/xml"
            | "application/yaml"
            | "application/x-yaml"
            | "application/toml"
            | "application/graphql"
            | "application/sql"
            | "application/x-sh"
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/x-javascript"
            | "application/typescript" => Self::Text,
            _ if essence.starts_with("text/") => Self::Text,
            _ if essence.ends_with("+json") || essence.ends_with("+xml") => Self::Text,
            _ => Self::Binary,
        }
    }

    /// What the content shows: text has no NUL, whatever its server says.
    pub(super) fn seen_in(self, body: &[u8]) -> Self {
        let start = body.get(..SNIFFED_BYTES_MAX).unwrap_or(body);
        let is_wide = Encoding::for_bom(start).is_some_and(|(encoding, _)| encoding != UTF_8);
        if start.contains(&0) && !is_wide {
            return Self::Binary;
        }
        match self {
            Self::Unknown if looks_like_html(start) => Self::Html,
            Self::Unknown => Self::Text,
            Self::Html | Self::Text | Self::Binary => self,
        }
    }

    /// The body as text: by its byte order mark, by what the server says, by what the page says, else as UTF-8.
    pub(super) fn decode(self, body: &[u8], content_type: &str) -> String {
        let said = parameter(content_type, "charset").and_then(|label| Encoding::for_label(label.as_bytes()));
        let encoding =
            said.or_else(|| if self == Self::Html { declared(body) } else { None }).unwrap_or(UTF_8);
        encoding.decode(body).0.into_owned()
    }
}

fn looks_like_html(start: &[u8]) -> bool {
    let start =
        String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

fn parameter(content_type: &str, name: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

/// The encoding that a page names in its first bytes (`<meta charset=...>`, or the older form).
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let start = body.get(..SNIFFED_BYTES_MAX).unwrap_or(body).to_ascii_lowercase();
    let start = String::from_utf8_lossy(&start).into_owned();
    let (_, after) = start.split_once("charset")?;
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')));
    let label = label.get(..end.unwrap_or(label.len()))?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A page whose ASCII could be read cannot be what it says here.
    if encoding.is_ascii_compatible() { Some(encoding) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_type_and_then_by_content() {
        for (content_type, body, expected) in [
            ("text/html; charset=utf-8", &b"<p>"[..], Media::Html),
            ("TEXT/HTML", b"", Media::Html),
            ("application/ld+json", b"{}", Media::Text),
            ("text/plain", b"a\0b", Media::Binary),
            ("application/pdf", b"%PDF-1.7", Media::Binary),
            ("image/svg+xml", b"<svg/>", Media::Text),
            ("image/png", b"\x89PNG", Media::Binary),
            ("", b" <!DOCTYPE html><p>", Media::Html),
            ("application/octet-stream", b"#!/bin/sh\n", Media::Text),
            ("application/octet-stream", b"\x7fELF\x02\x01\x00", Media::Binary),
            ("text/plain", b"\xff\xfea\0b\0", Media::Text),
        ] {
            assert_eq!(Media::of(&essence(content_type)).seen_in(body), expected, "{content_type} {body:?}");
        }
    }

    #[test]
    fn bytes_are_read_in_the_encoding_that_is_named() {
        for (media, content_type, body, expected) in [
            (Media::Text, "text/plain; charset=ISO-8859-1", &b"caf\xe9"[..], "café"),
            (Media::Text, "text/plain; charset=\"shift_jis\"", b"\x93\xfa\x96\x7b", "日本"),
            (
                Media::Html,
                "text/html",
                b"<meta charset='windows-1251'>\xcf",
                "<meta charset='windows-1251'>П",
            ),
            (
                Media::Html,
                "text/html",
                b"<meta content=\"text/html; charset=latin1\">\xe9",
                "<meta content=\"text/html; charset=latin1\">é",
            ),
            (Media::Text, "text/plain", "\u{feff}é".as_bytes(), "é"),
            (Media::Text, "text/plain; charset=nonsense", "é\u{1f600}".as_bytes(), "é😀"),
            (Media::Text, "", b"\xff\xfea\0", "a"),
            (Media::Text, "text/plain", b"bad \xff", "bad \u{fffd}"),
        ] {
            assert_eq!(media.decode(body, content_type), expected, "{content_type}");
        }
    }
}
