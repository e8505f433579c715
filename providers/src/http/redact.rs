//! Text from outside made fit to be shown: bounded, one line, without keys.

use codex_task_config::mask_keys;

/// Longest text that is passed on, in characters.
const CHARS_MAX: usize = 500;

/// Bounds a text to 500 characters, turns control characters into spaces, and masks whatever looks like a key.
pub fn clean(text: &str) -> String {
    // Cut first: everything after works on a text of known size. A key cut in half still has its beginning.
    let bounded: String =
        text.chars().take(CHARS_MAX + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut masked = mask_keys(&bounded);
    if let Some((end, _)) = masked.char_indices().nth(CHARS_MAX) {
        masked.truncate(end);
        masked.push('…');
    }
    masked.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_masked_also_where_the_text_is_cut() {
        assert_eq!(clean("key provided: sk-proj-0123456789\n"), "key provided: ***");
        // Of the key only its beginning is within the bound.
        let late = format!("{}sk-proj-0123456789", "a ".repeat(245));
        assert!(clean(&late).ends_with("a ***"), "{}", clean(&late));
    }

    #[test]
    fn texts_are_bounded_and_have_no_control_characters() {
        let cleaned = clean(&format!("a\u{1b}[31m\r\n{}", "ä".repeat(10_000)));
        assert_eq!(cleaned.chars().count(), CHARS_MAX + 1);
        assert!(!cleaned.chars().any(char::is_control));
    }
}
