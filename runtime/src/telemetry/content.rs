//! Texts of prompts, answers and tool calls, for spans that may carry them.

use codex_task_providers::without_keys;
use serde_json::json;

/// Bytes of one text that a span carries.
const BYTES_MAX: usize = 16 * 1024;

/// Whether texts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// They are not.
    Withheld,
    /// They are, without what looks like a key.
    Told,
}

impl Content {
    /// What the setting `telemetry.content` says.
    pub(crate) fn of_setting(is_told: bool) -> Self {
        if is_told { Self::Told } else { Self::Withheld }
    }

    /// A text as it may be told.
    pub(super) fn text(self, text: &str) -> Option<String> {
        (self == Self::Told).then(|| without_keys(beginning(text)))
    }

    /// A text as one message of a conversation, in the form of the semantic conventions.
    pub(super) fn message(self, role: &str, text: &str) -> Option<String> {
        let content = self.text(text)?;
        Some(json!([{ "role": role, "parts": [{ "type": "text", "content": content }] }]).to_string())
    }
}

fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BYTES_MAX)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_only_where_the_user_says_so_and_then_without_keys_and_not_without_end() {
        let key = format!("sk-ant-{}", "a1".repeat(30));
        let text = format!("Use {key} \u{1F980}");
        assert_eq!(Content::Withheld.message("user", &text), None);
        let told = Content::Told.message("user", &text).expect("content");
        assert!(told.starts_with(r#"[{"parts":[{"content":"Use "#) && !told.contains(&key), "{told}");
        let long = "\u{1F980}".repeat(BYTES_MAX);
        assert!(Content::Told.text(&long).expect("content").len() <= BYTES_MAX);
    }
}
