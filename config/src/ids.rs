//! Names as types: parsed once at the edge, then passed without checking again.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest accepted agent name, in characters.
const AGENT_NAME_CHARS_MAX: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty or only white space.
    #[error("the name is empty")]
    Empty,
    /// The name is longer than 64 characters.
    #[error("the name has {chars} characters, at most {AGENT_NAME_CHARS_MAX} are allowed")]
    TooLong {
        /// Characters that were found.
        chars: usize,
    },
    /// The name has a character that Claude Code 2.1.330 refuses too, or a control character.
    #[error("the name may not contain {character:?}")]
    Character {
        /// The first refused character.
        character: char,
    },
    /// The name begins with a hyphen (Claude Code 2.1.330 drops such files).
    #[error("the name may not begin with a hyphen")]
    LeadingHyphen,
}

/// Name of a subagent as it stands in the frontmatter, e.g. `code-reviewer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AgentName(Arc<str>);

impl AgentName {
    /// Accepts what Claude Code 2.1.330 accepts: anything but `:`, control characters and a leading hyphen.
    ///
    /// # Errors
    /// [`NameError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        let chars = name.chars().count();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if chars > AGENT_NAME_CHARS_MAX {
            return Err(NameError::TooLong { chars });
        }
        if name.starts_with('-') {
            return Err(NameError::LeadingHyphen);
        }
        match name.chars().find(|c| *c == ':' || c.is_control() || matches!(*c, '/' | '\\')) {
            Some(character) => Err(NameError::Character { character }),
            None => Ok(Self(name.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as text that others keep.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Whether the name keeps to the portable form `[a-z0-9-]`, which every client accepts.
    pub fn is_portable(&self) -> bool {
        self.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Name of a configured provider: `anthropic`, `openai`, `gemini`, `local`, `scripted`, or the user's own key
    /// under `providers:` in `codex-task.yaml`.
    ProviderName
}
text_id! {
    /// A model id exactly as its provider wants it on the wire, e.g. `claude-sonnet-5-5`.
    ModelId
}

impl ModelId {
    /// The id without the path that Gemini puts before it.
    pub fn without_path(&self) -> &str {
        self.as_str().trim_start_matches("models/")
    }

    /// The same without `-20250929` or `-2025-09-29` at its end.
    pub fn without_date(&self) -> &str {
        without_date(self.without_path())
    }
}

/// An id without `-20250929` or `-2025-09-29` at its end.
fn without_date(id: &str) -> &str {
    let is_digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some((head, last)) = id.rsplit_once('-') else { return id };
    if is_digits(last, 8) {
        return head;
    }
    let dashed = head.rsplit_once('-').and_then(|(head, month)| Some((head.rsplit_once('-')?, month)));
    match dashed {
        Some(((head, year), month)) if is_digits(year, 4) && is_digits(month, 2) && is_digits(last, 2) => {
            head
        }
        _ => id,
    }
}
