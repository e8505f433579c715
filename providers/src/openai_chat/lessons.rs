//! What servers taught: parts of a request that they refused, and the size of a context window that they named.
//!
//! Nothing is sent again here. The agent loop repeats a call after a refused parameter, and the repeated request is
//! then written without it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use codex_task_config::ModelId;
use regex::Regex;

use crate::ProviderError;

/// Where messages about a conversation that is too long name the window: `exceeds the available context size (4096
/// tokens)`, `maximum context length is 16384 tokens`, `context length of only 2048 tokens`.
const WINDOW: &str = r"(?i)(?:context (?:size|length|window)|model length)\D{0,24}(\d{3,8})\b";

/// What is known of one model beyond what the configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lessons {
    /// Whether `stream_options` is refused: usage is estimated then.
    pub(super) without_stream_options: bool,
    /// Whether the output limit must have the name that the dialect does not use.
    pub(super) other_limit_name: bool,
    /// Whether `response_format` is refused: the schema is explained in words then.
    pub(super) without_response_format: bool,
    /// Tokens of the context window.
    pub(super) context_tokens: Option<u64>,
}

impl Lessons {
    /// What is known after a failed call; the same where requests are written as before.
    pub(super) fn after(mut self, error: &ProviderError) -> Self {
        match error {
            ProviderError::Parameter { parameter, .. } => match parameter.as_str() {
                "stream_options" => self.without_stream_options = true,
                "response_format" => self.without_response_format = true,
                "max_tokens" | "max_completion_tokens" => self.other_limit_name = true,
                _ => {}
            },
            ProviderError::ContextTooLong { detail } => {
                self.context_tokens = window_in(detail).or(self.context_tokens);
            }
            _ => {}
        }
        self
    }
}

/// The lessons of all models of one server.
#[derive(Debug, Default)]
pub(super) struct LessonBook(Mutex<HashMap<ModelId, Lessons>>);

impl LessonBook {
    /// What is known of a model.
    pub(super) fn of(&self, model: &ModelId) -> Lessons {
        self.open().get(model).copied().unwrap_or_default()
    }

    /// Learns from a failed call.
    pub(super) fn note(&self, model: &ModelId, error: &ProviderError) {
        let mut book = self.open();
        let lessons = book.get(model).copied().unwrap_or_default();
        let learnt = lessons.after(error);
        if learnt != lessons {
            book.insert(model.clone(), learnt);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ModelId, Lessons>> {
        // The map is whole after every panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The window's size that a message names.
fn window_in(message: &str) -> Option<u64> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(WINDOW).ok()).as_ref()?;
    pattern.captures(message)?.get(1)?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_from_the_words_of_every_known_server() {
        let cases = [
            (
                "request (3020 tokens) exceeds the available context size (2048 tokens), try increasing it",
                Some(2_048),
            ),
            ("input (9000 tokens) is larger than the max context size (8192 tokens). skipping", Some(8_192)),
            (
                "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens",
                Some(16_384),
            ),
            (
                "the model is loaded with context length of only 32768 tokens, which is not enough",
                Some(32_768),
            ),
            (
                "The decoder prompt (length 2000) is longer than the maximum model length of 1024.",
                Some(1_024),
            ),
            ("the input length exceeds the context length", None),
            ("prompt is too long: 208310 tokens > 200000 maximum", None),
        ];
        for (message, expected) in cases {
            assert_eq!(window_in(message), expected, "{message}");
        }
    }

    #[test]
    fn lessons_are_kept_for_each_model_alone() {
        let book = LessonBook::default();
        let model = ModelId::new("a");
        for parameter in ["stream_options", "response_format", "max_tokens", "temperature"] {
            let (parameter, detail) = (parameter.to_owned(), String::new());
            book.note(&model, &ProviderError::Parameter { parameter, detail });
        }
        let detail = "context size (2048 tokens)".to_owned();
        book.note(&model, &ProviderError::ContextTooLong { detail });
        let expected = Lessons {
            without_stream_options: true,
            other_limit_name: true,
            without_response_format: true,
            context_tokens: Some(2_048),
        };
        assert_eq!(book.of(&model), expected);
        assert_eq!(book.of(&ModelId::new("b")), Lessons::default());
    }
}
