//! What a script wants answered.

use std::time::Duration;

use serde_json::Value;

use super::Fault;

/// An answer, and what goes wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub(super) text: Option<String>,
    pub(super) tools: Vec<(String, Value)>,
    pub(super) think: Duration,
    pub(super) fault: Fault,
}

impl Turn {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// One tool call.
    pub fn tool(name: &str, arguments: Value) -> Self {
        Self { tools: vec![(name.to_owned(), arguments)], ..Self::default() }
    }

    /// The same after a while, whatever goes wrong with it then.
    #[must_use]
    pub fn after(self, think: Duration) -> Self {
        Self { think, ..self }
    }

    /// The same with this fault.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}
