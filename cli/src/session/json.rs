//! JSON for programs. What a terminal would obey stands as an escape, which is the same text to every program.

use std::fmt::Write as _;

use serde::Serialize;

use crate::render::Terminal;
use crate::render::clean::is_obeyed;

/// Writes a value on one line of stdout.
pub(crate) fn print(value: &impl Serialize, terminal: &mut Terminal) {
    // Our own types have no keys that JSON cannot hold.
    let text = serde_json::to_string(value).unwrap_or_default();
    terminal.out.verbatim(&escaped(text));
}

/// JSON text without raw control characters; outside of its texts JSON has none of them.
fn escaped(json: String) -> String {
    if !json.contains(is_obeyed) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_obeyed(c) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_the_same_text_to_a_program() {
        let text = "a\x1b[2J \u{9b}2J \u{202e}x\n";
        let json = escaped(serde_json::to_string(text).expect("a text"));
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).expect("still JSON"), text);
    }
}
