//! A server's own words without its secrets.

use std::fmt;

use codex_task_config::{MASK, McpTransport, mask_keys};
use secrecy::{ExposeSecret as _, SecretString};

/// Shortest value that is taken for a secret: shorter ones are flags, ports and levels.
const SECRET_CHARS_MIN: usize = 6;

/// The secrets of one server: all that its definition puts into its environment or headers.
#[derive(Default)]
pub(super) struct Redactor(Vec<SecretString>);

impl Redactor {
    /// Takes the values of a definition whose variables are filled in.
    pub(super) fn of(transport: &McpTransport) -> Self {
        let values = match transport {
            McpTransport::Stdio { env, .. } => env.values(),
            McpTransport::Http { headers, .. } | McpTransport::Sse { headers, .. } => headers.values(),
        };
        // `Bearer abc` is said as `abc` too.
        let words =
            values.flat_map(|value| std::iter::once(value.as_str()).chain(value.split_whitespace().skip(1)));
        let secrets = words.filter(|word| word.chars().count() >= SECRET_CHARS_MIN);
        Self(secrets.map(|secret| SecretString::from(secret.to_owned())).collect())
    }

    /// The text without them, and without what looks like a key.
    pub(super) fn clean(&self, text: &str) -> String {
        let known =
            self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), MASK));
        mask_keys(&known)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_the_definition_holds_and_what_looks_like_a_key_is_masked() {
        let headers = BTreeMap::from([("Authorization".to_owned(), "Bearer hunter2hunter2".to_owned())]);
        let redactor = Redactor::of(&McpTransport::Http { url: "https://h".into(), headers });
        for (text, expected) in [
            ("bad token hunter2hunter2!", "bad token ***!"),
            ("sent 'Bearer hunter2hunter2'", "sent '***'"),
            ("key=sk-ant-0123456789, next", "key=***, next"),
            ("(ghp_0123456789abcdef)", "(***)"),
            ("no secret: sk-1, task-12345678", "no secret: sk-1, task-12345678"),
        ] {
            assert_eq!(redactor.clean(text), expected);
        }
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }
}
