//! What of a text goes into the trail: no key ever, and of what is long or somebody's own words the hash.

use codex_task_config::{AuditTexts, Environment, mask_keys, sha256_hex};
use codex_task_providers::without_keys;
use serde_json::{Map, Value, json};

/// Arguments that say which call it is: shown, up to a bound. All other texts are hashed.
const TELLING: [&str; 21] = [
    "bash_id",
    "command",
    "cwd",
    "edit_mode",
    "file_path",
    "glob",
    "isolation",
    "language",
    "model",
    "notebook_path",
    "output_mode",
    "path",
    "pattern",
    "query",
    "resume",
    "shell_id",
    "subagent_type",
    "task_id",
    "type",
    "uri",
    "url",
];
/// Characters of an argument that are shown.
const SHOWN_CHARS_MAX: usize = 500;
/// Shortest value that counts as a key: what is shorter stands in every other text.
const KEY_CHARS_MIN: usize = 8;
const MASK: &str = "***";

/// Decides what of a text is written down.
pub(super) struct Redactor {
    texts: AuditTexts,
    environment: Environment,
    /// The variables that hold keys in use.
    keys: Vec<String>,
}

impl Redactor {
    pub(super) fn new(texts: AuditTexts, environment: Environment, keys: Vec<String>) -> Self {
        Self { texts, environment, keys }
    }

    /// A short text as people read it, without keys.
    pub(super) fn shown(&self, text: &str) -> String {
        without_keys(&self.masked(text))
    }

    /// Somebody's own words: length and hash, and the words where the user wants them.
    pub(super) fn hashed(&self, text: &str) -> Value {
        let mut hashed = json!({ "bytes": text.len(), "sha256": sha256_hex(text) });
        if let (AuditTexts::Full, Some(fields)) = (self.texts, hashed.as_object_mut()) {
            fields.insert("text".to_owned(), mask_keys(&self.masked(text)).into());
        }
        hashed
    }

    /// The arguments of a call.
    pub(super) fn arguments(&self, arguments: &Value) -> Value {
        let Value::Object(arguments) = arguments else { return self.value(arguments) };
        let shown = arguments.iter().map(|(key, value)| {
            let value = match value {
                Value::String(text) if TELLING.contains(&key.as_str()) => self.telling(text),
                other => self.value(other),
            };
            (self.shown(key), value)
        });
        Value::Object(shown.collect::<Map<_, _>>())
    }

    fn telling(&self, text: &str) -> Value {
        let is_short = text.chars().nth(SHOWN_CHARS_MAX).is_none();
        if is_short && !text.contains(char::is_control) {
            return self.shown(text).into();
        }
        let mut hashed = self.hashed(text);
        if let Some(fields) = hashed.as_object_mut() {
            fields.insert("begins".to_owned(), self.shown(text).into());
        }
        hashed
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => self.hashed(text),
            Value::Array(_) | Value::Object(_) => self.hashed(&value.to_string()),
        }
    }

    fn masked(&self, text: &str) -> String {
        let keys = self.keys.iter().filter_map(|name| self.environment.get(name));
        keys.filter(|key| key.len() >= KEY_CHARS_MIN)
            .fold(text.to_owned(), |text, key| text.replace(key, MASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "canary-in-no-known-form";

    fn redactor(texts: AuditTexts) -> Redactor {
        Redactor::new(texts, Environment::new("/", [("KEY", KEY)]), vec!["KEY".to_owned()])
    }

    #[test]
    fn what_says_which_call_it_is_is_shown_and_everything_else_is_hashed() {
        let call = json!({
            "file_path": "src/a.rs",
            "content": "a whole file",
            "limit": 5,
            "edits": [{"old_string": "a"}],
        });
        let shown = redactor(AuditTexts::Hashed).arguments(&call);
        assert_eq!((&shown["file_path"], &shown["limit"]), (&json!("src/a.rs"), &json!(5)));
        let hashed = json!({"bytes": 12, "sha256": sha256_hex("a whole file")});
        assert_eq!(shown["content"], hashed);
        assert!(!shown.to_string().contains("old_string"), "{shown}");
        let full = redactor(AuditTexts::Full).arguments(&call);
        assert_eq!(full["content"]["text"], "a whole file");
    }

    #[test]
    fn no_key_is_shown_however_much_of_a_text_is() {
        let call = json!({"command": format!("curl -H 'x: {KEY}' -H 'Authorization: Bearer abcdef0123456789'"),
            "prompt": format!("use {KEY} or sk-ant-0123456789")});
        for texts in [AuditTexts::Hashed, AuditTexts::Full] {
            let shown = redactor(texts).arguments(&call).to_string();
            for secret in [KEY, "abcdef0123456789", "sk-ant-0123456789"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
        let long = json!({ "command": format!("true # {}\n{KEY}", "x".repeat(600)) });
        let shown = redactor(AuditTexts::Hashed).arguments(&long);
        assert!(
            shown["command"]["begins"].as_str().is_some_and(|text| text.starts_with("true # xx")),
            "{shown}"
        );
    }
}
