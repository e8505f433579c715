//! Secrets that prove who pays for a call. Owns the one type that holds a key; it does not decide where keys come from
//! beyond the environment, nor which header carries them.
//!
//! Invariant: no `Debug`, `Display`, log line or error text shows a key.

use codex_task_config::Environment;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// An API key or token.
#[derive(Clone)]
pub struct Credential(SecretString);

/// Why a text cannot be a credential. The text itself is never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Nothing but white space.
    #[error("the key is empty")]
    Empty,
    /// Line breaks, spaces, control characters or letters outside ASCII, which no HTTP header may carry.
    #[error("the key contains characters that a key cannot have, such as a space or a line break inside it")]
    Characters,
}

impl Credential {
    /// Takes a key; white space around it (a trailing line break of a file, say) is cut off.
    ///
    /// # Errors
    /// [`CredentialError`] when the rest cannot stand in a header.
    pub fn new(key: &str) -> Result<Self, CredentialError> {
        let key = key.trim();
        if key.is_empty() {
            return Err(CredentialError::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::Characters);
        }
        Ok(Self(SecretString::from(key)))
    }

    /// The first of the named variables that is set, or `None` when none is.
    ///
    /// # Errors
    /// [`CredentialError`] when the first one that is set cannot be a key.
    pub fn from_env(environment: &Environment, names: &[&str]) -> Result<Option<Self>, CredentialError> {
        names.iter().find_map(|name| environment.get(name)).map(Self::new).transpose()
    }

    /// The key alone, for headers such as `x-api-key`. Marked sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        sensitive(self.0.expose_secret())
    }

    /// `Bearer KEY`, for `authorization`. Marked sensitive.
    pub(crate) fn bearer(&self) -> HeaderValue {
        sensitive(&format!("Bearer {}", self.0.expose_secret()))
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(***)")
    }
}

/// Only called with text that [`Credential::new`] has checked; should that ever change, the server sees an empty key
/// and refuses it, which is an error that users understand.
fn sensitive(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text);
    debug_assert!(value.is_ok(), "a checked credential always fits into a header");
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_credential_nor_its_header_shows_the_key() {
        let key = Credential::new(" sk-ant-secret\n").unwrap();
        assert_eq!(key.header().to_str().unwrap(), "sk-ant-secret");
        assert_eq!(key.bearer().to_str().unwrap(), "Bearer sk-ant-secret");
        for shown in [format!("{key:?}"), format!("{:?}", key.header()), format!("{:?}", key.bearer())] {
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn a_key_with_a_line_break_inside_is_refused_before_it_reaches_a_header() {
        assert_eq!(Credential::new("sk-a\r\nx-evil: 1").unwrap_err(), CredentialError::Characters);
        assert_eq!(Credential::new(" \n").unwrap_err(), CredentialError::Empty);
    }

    #[test]
    fn the_first_variable_that_is_set_wins() {
        let environment = Environment::new("/", [("A", ""), ("B", "key-b"), ("C", "key-c")]);
        let key = Credential::from_env(&environment, &["A", "B", "C"]).unwrap().unwrap();
        assert_eq!(key.header().to_str().unwrap(), "key-b");
        assert!(Credential::from_env(&environment, &["A", "Z"]).unwrap().is_none());
    }
}
