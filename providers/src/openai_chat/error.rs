//! What the errors of all these servers mean, in error statuses and inside streams. They agree on little but the
//! message, so most is told by its words.

use std::time::Duration;

use codex_task_config::ModelId;
use serde_json::Value;

use crate::ProviderError;
use crate::http::{ErrorReply, clean, duration_after, mentions};

/// Codes and types that say that money, not time, is short.
const MONEY_CODES: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "billing_hard_limit_reached",
    "billing_not_active",
    "access_terminated",
    "insufficient_user_quota",
];
/// Words of messages that say so without a code: they come as 400, 403 and 429.
const MONEY_WORDS: &[&str] = &[
    "current quota",
    "insufficient credit",
    "insufficient balance",
    "insufficient quota",
    "more credits",
    "credit balance",
    "spend limit",
    "spending limit",
    "usage limit",
    "billing",
    "key limit exceeded",
];
/// Words of a 429 without a hint that say that the day is over.
const DAY_WORDS: &[&str] = &["per day", "per-day", "daily"];
/// Words before the time after which a call may be made again.
const HINT_WORDS: &[&str] = &["try again in", "retry in"];
/// Words, codes and types that say that the conversation does not fit.
const TOO_LONG_WORDS: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "contextwindowexceeded",
    "context length",
    "context size",
    "context window",
    "maximum context",
    "maximum model length",
    "prompt is too long",
    "input is too long",
    "max_tokens must be at least 1, got -",
];
/// Words of a server that could not read what its own model wrote: llama-server, Ollama, Groq.
const MALFORMED_WORDS: &[&str] = &[
    "output that does not match the expected",
    "failed to parse input at pos",
    "error parsing tool call",
    "tool_use_failed",
    "json_validate_failed",
];
/// Fields of an assistant message in which reasoning is sent back.
const STATE_FIELDS: &[&str] =
    &["reasoning_content", "reasoning_details", "thought_signature", "thought signature", "extra_content"];
/// Words of a server that does not know the model.
const UNKNOWN_MODEL_WORDS: &[&str] = &[
    "model_not_found",
    "model not found",
    "not a valid model",
    "no such model",
    "invalid model",
    "try pulling it",
    "does not exist",
];
/// Words of a model that cannot call tools.
const NO_TOOLS_WORDS: &[&str] = &[
    "does not support tools",
    "does not support function calling",
    "support tool use",
    "tool choice requires",
    "tools param requires",
];
/// Parameters that a request can do without, or that have another name.
const OPTIONAL_PARAMETERS: &[&str] = &[
    "temperature",
    "reasoning_effort",
    "response_format",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "prompt_cache_key",
];
/// Words of a refused parameter.
const REFUSAL_WORDS: &[&str] = &[
    "unsupported",
    "not supported",
    "not support",
    "unknown",
    "unrecognized",
    "unexpected",
    "not permitted",
    "not allowed",
    "invalid",
    "unavailable",
    "too large",
    "too big",
    "must be",
];

/// A failure as the server describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WireError {
    message: String,
    kind: String,
    code: String,
    param: String,
    /// What OpenRouter passes on of the failure behind it.
    raw: String,
}

impl WireError {
    /// Reads `{"error": {...}}`, `{"error": "..."}` and the flat forms, `{"object": "error", "message": "..."}`.
    pub(super) fn read(json: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(json) else { return Self::default() };
        let value = match value {
            Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
            value => value,
        };
        Self::of(value.get("error").filter(|error| !error.is_null()).unwrap_or(&value))
    }

    fn of(error: &Value) -> Self {
        if let Some(message) = error.as_str() {
            return Self { message: message.to_owned(), ..Self::default() };
        }
        let text = |path: &str| match error.pointer(path) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
        };
        let message = text("/message");
        Self {
            message: if message.is_empty() { text("/detail") } else { message },
            kind: text("/type"),
            code: text("/code"),
            param: text("/param"),
            raw: text("/metadata/raw"),
        }
    }

    /// Whether the server could not read what its own model wrote.
    pub(super) fn is_malformed_output(&self) -> bool {
        self.mentions(MALFORMED_WORDS)
    }

    /// Message, type, code and whatever else can tell.
    fn mentions(&self, words: &[&str]) -> bool {
        [&self.message, &self.kind, &self.code, &self.raw].into_iter().any(|text| mentions(text, words))
    }

    /// Whether the message itself has one of the words, not only its type: `invalid_request_error` says nothing.
    fn says(&self, words: &[&str]) -> bool {
        mentions(&self.message, words) || mentions(&self.raw, words)
    }

    /// The status that the failure would have had, for failures inside a stream.
    fn status(&self) -> u16 {
        let code = self.code.parse().ok().filter(|code| (400..600).contains(code));
        code.unwrap_or(match self.kind.as_str() {
            "invalid_request_error" | "BadRequestError" | "exceed_context_size_error" => 400,
            "authentication_error" => 401,
            "permission_error" => 403,
            "not_found_error" | "NotFoundError" => 404,
            "rate_limit_error" | "rate_limit_exceeded" | "tokens" | "requests" => 429,
            "overloaded_error" | "unavailable_error" | "server_overloaded" => 503,
            _ => 500,
        })
    }
}

/// Reads an error status.
pub(super) fn of_reply(reply: &ErrorReply, model: &ModelId) -> ProviderError {
    let error = WireError::read(&reply.body);
    let mut detail = reply.detail();
    if !error.raw.is_empty() {
        detail = clean(&format!("{detail}: {}", error.raw));
    }
    let retry_after = retry_after(reply, &error);
    Fault { status: reply.status, error, detail, retry_after }.classify(model)
}

/// Reads an error status of the list of models: no model is asked for, so a 404 says that there is no list.
pub(super) fn of_list_reply(reply: &ErrorReply) -> ProviderError {
    reply.about_a_list(of_reply(reply, &ModelId::new("")))
}

/// Reads a failure that came after the status 200.
pub(super) fn of_event(error: WireError, model: &ModelId) -> ProviderError {
    let words = [&error.message, &error.kind, &error.code].into_iter().find(|text| !text.is_empty());
    let mut detail =
        words.map_or_else(|| "the server failed without a message".to_owned(), |text| clean(text));
    if !error.raw.is_empty() {
        detail = clean(&format!("{detail}: {}", error.raw));
    }
    Fault { status: error.status(), error, detail, retry_after: None }.classify(model)
}

/// The server's hint. A LiteLLM gateway passes it on under its own name, others have it in their message only.
fn retry_after(reply: &ErrorReply, error: &WireError) -> Option<Duration> {
    let passed_on = || reply.header("llm_provider-retry-after")?.trim().parse().ok().map(Duration::from_secs);
    let in_words = || HINT_WORDS.iter().find_map(|words| duration_after(&error.message, words));
    reply.retry_after().or_else(passed_on).or_else(in_words)
}

/// All that is known about a failure.
struct Fault {
    status: u16,
    error: WireError,
    detail: String,
    retry_after: Option<Duration>,
}

impl Fault {
    fn classify(self, model: &ModelId) -> ProviderError {
        if self.is_about_money() {
            return ProviderError::QuotaExhausted { detail: self.detail };
        }
        let is_about_rates = matches!(self.status, 401 | 429);
        if !is_about_rates && self.error.mentions(TOO_LONG_WORDS) && !self.is_about_output_limit() {
            return ProviderError::ContextTooLong { detail: self.detail };
        }
        let Self { status, retry_after, .. } = self;
        match status {
            400 | 422 => self.bad_request(model),
            404 if self.error.mentions(NO_TOOLS_WORDS) => self.bad_request(model),
            401 | 403 => ProviderError::Unauthorized { status, detail: self.detail },
            404 if self.is_about_the_model(model) => {
                ProviderError::ModelNotFound { model: model.to_string(), detail: self.detail }
            }
            404 | 405 => ProviderError::Protocol {
                detail: format!(
                    "HTTP {status}, {}; the base URL of this kind of server usually ends with /v1",
                    self.detail
                ),
            },
            413 => ProviderError::TooLarge { detail: self.detail },
            429 => ProviderError::RateLimited { retry_after, detail: self.detail },
            501 => ProviderError::InvalidRequest { status, detail: self.detail },
            503 | 529 => ProviderError::Overloaded { retry_after, detail: self.detail },
            _ if self.error.mentions(&["overloaded"]) => {
                ProviderError::Overloaded { retry_after, detail: self.detail }
            }
            408 | 409 | 500.. => ProviderError::Server { status, retry_after, detail: self.detail },
            _ => ProviderError::InvalidRequest { status, detail: self.detail },
        }
    }

    fn is_about_money(&self) -> bool {
        let has_code = [&self.error.code, &self.error.kind].iter().any(|c| MONEY_CODES.contains(&c.as_str()));
        match self.status {
            402 => true,
            _ if has_code => true,
            400 | 403 => self.error.mentions(MONEY_WORDS),
            429 => {
                self.error.mentions(MONEY_WORDS)
                    || (self.retry_after.is_none() && self.error.mentions(DAY_WORDS))
            }
            _ => false,
        }
    }

    fn is_about_the_model(&self, model: &ModelId) -> bool {
        let is_named = !model.as_str().is_empty() && contains_word(&self.error.message, model.as_str());
        is_named || self.error.mentions(UNKNOWN_MODEL_WORDS)
    }

    /// vLLM names the context length also where only the asked-for output is too long.
    fn is_about_output_limit(&self) -> bool {
        let message = self.error.message.to_ascii_lowercase();
        message.contains("max_tokens") && message.contains("too large")
    }

    fn bad_request(self, model: &ModelId) -> ProviderError {
        let Self { status, detail, .. } = self;
        if self.error.mentions(STATE_FIELDS) {
            return ProviderError::ReasoningState { detail };
        }
        if let Some(parameter) = refused_parameter(&self.error) {
            return ProviderError::Parameter { parameter: parameter.to_owned(), detail };
        }
        if self.error.mentions(UNKNOWN_MODEL_WORDS) {
            return ProviderError::ModelNotFound { model: model.to_string(), detail };
        }
        if self.error.mentions(&["content_policy", "content_filter", "content management policy"]) {
            let category = Some("content_filter".to_owned());
            return ProviderError::Refused { category, detail };
        }
        ProviderError::InvalidRequest { status, detail }
    }
}

/// The optional parameter that a failure is about: named by `param`, or in a message that speaks of a refusal. Tools
/// count as one too: a model that cannot call them is no use to this agent, but another may be.
fn refused_parameter(error: &WireError) -> Option<&'static str> {
    if error.mentions(NO_TOOLS_WORDS) {
        return Some("tools");
    }
    if error.mentions(&["does not support thinking", "does not support reasoning"]) {
        return Some("reasoning_effort");
    }
    let by_param = OPTIONAL_PARAMETERS.iter().find(|name| error.param.split('.').next() == Some(**name));
    let by_message = || {
        let is_named = |name: &&&str| contains_word(&error.message, name) || contains_word(&error.raw, name);
        let is_refusal = error.says(REFUSAL_WORDS);
        // The first of the named: `'max_tokens' is not supported. Use 'max_completion_tokens' instead`.
        let named = OPTIONAL_PARAMETERS.iter().filter(is_named);
        named.min_by_key(|name| error.message.find(**name)).filter(|_| is_refusal)
    };
    by_param.or_else(by_message).copied()
}

/// Whether a text has the name with no letter, digit or underscore around it.
fn contains_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(start, _)| {
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        let after = text.get(start + name.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
