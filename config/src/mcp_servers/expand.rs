//! `${VARIABLE}` and `${VARIABLE:-default}` in a server's definition, filled in when it is started.

use std::collections::BTreeMap;

use super::{McpScope, McpServer, McpTransport};
use crate::Environment;

/// Keys of model providers: a repository's definition could send them anywhere, so they are not filled in there.
const PROVIDER_KEYS: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CODEX_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
];

/// Why a server's definition cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum McpVariableError {
    /// The variable is not set, and no default stands beside it.
    #[error("'{place}' needs the environment variable {variable}, which is not set")]
    Unset {
        /// The variable.
        variable: String,
        /// The part of the definition.
        place: &'static str,
    },
    /// The repository asks for the key of a model provider.
    #[error("'{place}' in the project's file asks for {variable}, the key of a model provider")]
    ProviderKey {
        /// The variable.
        variable: String,
        /// The part of the definition.
        place: &'static str,
    },
}

impl McpVariableError {
    /// What the user can do.
    pub fn help(&self) -> String {
        match self {
            Self::Unset { variable, .. } => {
                format!("set {variable}, or write a default: ${{{variable}:-value}}")
            }
            Self::ProviderKey { .. } => {
                "give the server a key of its own under another name, in your environment".to_owned()
            }
        }
    }
}

impl McpServer {
    /// How the server is reached, with all variables filled in. What comes back may hold secrets.
    ///
    /// # Errors
    /// [`McpVariableError`] for the first variable that cannot be filled in.
    pub fn expanded(&self, environment: &Environment) -> Result<McpTransport, McpVariableError> {
        let fill = |text: &str, place| expand(text, place, self.scope, environment);
        let fill_all = |values: &BTreeMap<String, String>, place| -> Result<BTreeMap<_, _>, _> {
            values.iter().map(|(name, value)| Ok((name.clone(), fill(value, place)?))).collect()
        };
        Ok(match &self.transport {
            McpTransport::Stdio { command, args, env } => McpTransport::Stdio {
                command: fill(command, "command")?,
                args: args.iter().map(|arg| fill(arg, "args")).collect::<Result<_, _>>()?,
                env: fill_all(env, "env")?,
            },
            McpTransport::Http { url, headers } => {
                McpTransport::Http { url: fill(url, "url")?, headers: fill_all(headers, "headers")? }
            }
            McpTransport::Sse { url, headers } => {
                McpTransport::Sse { url: fill(url, "url")?, headers: fill_all(headers, "headers")? }
            }
        })
    }
}

/// What is no variable stays as it is; what is filled in is not looked at again.
fn expand(
    text: &str,
    place: &'static str,
    scope: McpScope,
    environment: &Environment,
) -> Result<String, McpVariableError> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        let variable = after.split_once('}').filter(|(inside, _)| is_variable(inside));
        let Some((inside, behind)) = variable else {
            result.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let variable = || name.to_owned();
        if scope == McpScope::Project && PROVIDER_KEYS.contains(&name) {
            return Err(McpVariableError::ProviderKey { variable: variable(), place });
        }
        let value = environment.get(name).or(default);
        result.push_str(value.ok_or_else(|| McpVariableError::Unset { variable: variable(), place })?);
        rest = behind;
    }
    result.push_str(rest);
    Ok(result)
}

fn is_variable(inside: &str) -> bool {
    let name = inside.split_once(":-").map_or(inside, |(name, _)| name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(text: &str, scope: McpScope) -> Result<String, McpVariableError> {
        let environment = Environment::new(
            "/w",
            [("HOST", "h.example"), ("NESTED", "${HOST}"), ("EMPTY", ""), ("OPENAI_API_KEY", "sk-1")],
        );
        expand(text, "args", scope, &environment)
    }

    #[test]
    fn variables_and_defaults_are_filled_in_once() {
        for (text, expected) in [
            ("https://${HOST}/x", "https://h.example/x"),
            ("${HOST}${HOST}", "h.exampleh.example"),
            ("${UNSET:-a:-b}", "a:-b"),
            ("${UNSET:-}", ""),
            ("${EMPTY:-full}", "full"),
            ("${NESTED}", "${HOST}"),
            ("$HOST ${not closed", "$HOST ${not closed"),
            ("${} ${1} ${a b}", "${} ${1} ${a b}"),
        ] {
            assert_eq!(fill(text, McpScope::Project).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = fill("--token=${MY_TOKEN}", McpScope::User).unwrap_err();
        assert_eq!(error.to_string(), "'args' needs the environment variable MY_TOKEN, which is not set");
        assert!(error.help().contains("${MY_TOKEN:-value}"));
    }

    #[test]
    fn a_project_does_not_get_the_key_of_a_provider() {
        let error = fill("${OPENAI_API_KEY}", McpScope::Project).unwrap_err();
        assert!(matches!(error, McpVariableError::ProviderKey { .. }), "{error}");
        assert_eq!(fill("${OPENAI_API_KEY}", McpScope::User).as_deref(), Ok("sk-1"));
        assert!(fill("${OPENAI_API_KEY:-x}", McpScope::Project).is_err());
    }

    proptest! {
        #[test]
        fn a_text_without_variables_stays_as_it_is(text in "[^$]{0,40}") {
            prop_assert_eq!(fill(&text, McpScope::Session), Ok(text));
        }
    }
}
