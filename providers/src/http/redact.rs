//! Text from outside made fit to be shown: bounded, one line, without keys.

/// Longest text that is passed on, in characters.
const CHARS_MAX: usize = 500;
/// Beginnings of keys: Anthropic and OpenAI, Google, AWS, GitHub, Slack, xAI, Groq, Hugging Face.
const KEY_PREFIXES: &[&str] =
    &["sk-", "AIza", "AKIA", "ghp_", "gho_", "github_pat_", "xox", "xai-", "gsk_", "hf_", "ya29."];
/// Words after which a key follows.
const KEY_LABELS: &[&str] = &["bearer", "key", "api_key", "apikey", "x-api-key", "token", "authorization"];
/// Shortest word after a label that is taken for a key.
const LABELLED_KEY_CHARS_MIN: usize = 12;
const MASK: &str = "***";

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

/// Masks whatever looks like a key, and leaves the rest as it is. A word is a run of the characters that keys are made of.
pub fn mask_keys(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut previous = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        if is_key(word, &previous) {
            result.push_str(MASK);
        } else {
            result.push_str(word);
        }
        if !word.is_empty() {
            previous = word.to_ascii_lowercase();
        }
        let gap_end = tail.find(is_key_char).unwrap_or(tail.len());
        let (gap, next) = tail.split_at(gap_end);
        result.push_str(gap);
        rest = next;
    }
    result
}

fn is_key(word: &str, previous: &str) -> bool {
    let has_prefix =
        KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len() + 3);
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_labelled =
        KEY_LABELS.contains(&previous) && has_digit && word.chars().count() >= LABELLED_KEY_CHARS_MIN;
    has_prefix || is_labelled
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_looks_like_a_key_is_masked_and_the_rest_stays() {
        let cases = [
            ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: ***"),
            ("bad header authorization: Bearer eyJhbGciOi.J9.x1y2z3", "bad header authorization: Bearer ***"),
            ("GET /v1beta/models?key=AIzaSyD-1234567890&alt=sse", "GET /v1beta/models?key=***&alt=sse"),
            ("x-api-key abcdef0123456789", "x-api-key ***"),
            ("model: claude-sonnet-4-5-20250929", "model: claude-sonnet-4-5-20250929"),
            (
                "prompt is too long: 208310 tokens > 200000 maximum",
                "prompt is too long: 208310 tokens > 200000 maximum",
            ),
            (
                "API key not valid. Please pass a valid API key.",
                "API key not valid. Please pass a valid API key.",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn texts_are_bounded_and_have_no_control_characters() {
        let cleaned = clean(&format!("a\u{1b}[31m\r\n{}", "ä".repeat(10_000)));
        assert_eq!(cleaned.chars().count(), CHARS_MAX + 1);
        assert!(!cleaned.chars().any(char::is_control));
    }
}
