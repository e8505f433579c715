//! Texts from outside without what looks like a key.

/// Beginnings of keys: Anthropic and OpenAI, Google, AWS, GitHub, GitLab, Slack, xAI, Groq, Hugging Face.
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "AIza",
    "AKIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "xai-",
    "gsk_",
    "hf_",
    "ya29.",
];
/// Words after which a key follows.
const KEY_LABELS: &[&str] = &["bearer", "key", "api_key", "apikey", "x-api-key", "token", "authorization"];
/// Characters of a key behind its beginning, at least.
const AFTER_PREFIX_CHARS_MIN: usize = 4;
/// Shortest word after a label that is taken for a key.
const LABELLED_KEY_CHARS_MIN: usize = 12;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Replaces words that look like keys. A word is a run of the characters that keys are made of.
pub fn mask_keys(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut previous = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c| !is_key_char(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        result.push_str(if is_key(word, &previous) { MASK } else { word });
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
    let has_prefix = KEY_PREFIXES
        .iter()
        .filter_map(|prefix| word.strip_prefix(prefix))
        .any(|rest| rest.len() >= AFTER_PREFIX_CHARS_MIN);
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
        for (text, expected) in [
            ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: ***"),
            ("bad header authorization: Bearer eyJhbGciOi.J9.x1y2z3", "bad header authorization: Bearer ***"),
            ("GET /v1beta/models?key=AIzaSyD-1234567890&alt=sse", "GET /v1beta/models?key=***&alt=sse"),
            ("x-api-key abcdef0123456789", "x-api-key ***"),
            ("(ghs_0123456789) 'glpat-0123456789'", "(***) '***'"),
            ("model: claude-sonnet-4-5-20250929", "model: claude-sonnet-4-5-20250929"),
            ("no secret: sk-1, task-12345678", "no secret: sk-1, task-12345678"),
            (
                "prompt is too long: 208310 tokens > 200000 maximum",
                "prompt is too long: 208310 tokens > 200000 maximum",
            ),
            (
                "API key not valid. Please pass a valid API key.",
                "API key not valid. Please pass a valid API key.",
            ),
        ] {
            assert_eq!(mask_keys(text), expected);
        }
    }
}
