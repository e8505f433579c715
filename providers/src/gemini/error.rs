//! What Google's errors mean, in error statuses and inside streams.

use std::time::Duration;

use codex_task_config::ModelId;
use serde_json::Value;

use crate::http::{ErrorReply, clean, duration_after, go_duration, mentions};
use crate::{ProviderError, RateLimits, RateWindow};

/// Words of messages that say that money, not time, is short.
const MONEY_WORDS: &[&str] = &[
    "billing account",
    "enable billing",
    "credits are depleted",
    "spend cap",
    "spending cap",
    "spend limit",
];
/// Words of a 400 that say that the key is wrong, or may not be used from here.
const KEY_WORDS: &[&str] =
    &["api key not valid", "api key expired", "api key not found", "location is not supported"];
/// Words of a 400 that say that the conversation does not fit.
const TOO_LONG_WORDS: &[&str] = &["exceeds the maximum number of tokens", "context length", "context window"];
/// Words of a 400 that say that an echoed signature is not accepted, or missing.
const STATE_WORDS: &[&str] = &["thought signature", "thought_signature", "thoughtsignature"];
/// Parameters that a request can do without, and the words by which messages name them.
const OPTIONAL_PARAMETERS: &[(&str, &[&str])] = &[
    ("thinkingConfig", &["thinking", "include_thoughts", "includethoughts"]),
    ("temperature", &["temperature"]),
    ("maxOutputTokens", &["max_output_tokens", "maxoutputtokens"]),
    ("responseJsonSchema", &["response_json_schema", "responsejsonschema", "response mime type"]),
];

/// Reads an error status.
pub(super) fn of_reply(reply: &ErrorReply, model: &ModelId) -> ProviderError {
    let error = reply.json().map(|mut body| body.get_mut("error").map(Value::take).unwrap_or_default());
    let fault = Fault::new(error.unwrap_or_default(), reply.status, reply.detail());
    Fault { retry_after: reply.retry_after(), ..fault }.classify(model)
}

/// Reads an error status of the list of models: no model is asked for, so a 404 says that there is no list.
pub(super) fn of_list_reply(reply: &ErrorReply) -> ProviderError {
    reply.about_a_list(of_reply(reply, &ModelId::new("")))
}

/// The limits of a minute that a refusal names, which are used up then.
pub(super) fn quotas(reply: &ErrorReply) -> RateLimits {
    let mut stated = RateLimits::default();
    let error = reply.json().map(|mut body| body.get_mut("error").map(Value::take).unwrap_or_default());
    let fault = Fault::new(error.unwrap_or_default(), reply.status, String::new());
    for violation in fault.violations() {
        let id = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
        let value = violation.get("quotaValue");
        let limit = value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        let window = RateWindow { limit: limit.filter(|limit| *limit > 0), remaining: Some(0), reset: None };
        match id {
            _ if !id.contains("PerMinute") || window.limit.is_none() => {}
            _ if id.contains("Token") => stated.input_tokens = window,
            _ if id.contains("Request") => stated.requests = window,
            _ => {}
        }
    }
    stated
}

/// Reads the `error` of a chunk, which comes after the status 200.
pub(super) fn of_chunk(error: &str, model: &ModelId) -> ProviderError {
    let error: Value = serde_json::from_str(error).unwrap_or_default();
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let words = ["message", "status"].iter().find_map(|key| error.get(key)?.as_str());
    let detail = clean(words.unwrap_or("no reason was given"));
    Fault::new(error, status.unwrap_or(500), detail).classify(model)
}

/// All that is known about a failure.
struct Fault {
    status: u16,
    message: String,
    /// Google's typed details.
    details: Vec<Value>,
    detail: String,
    /// What the headers say.
    retry_after: Option<Duration>,
}

impl Fault {
    fn new(mut error: Value, status: u16, detail: String) -> Self {
        let details = match error.get_mut("details").map(Value::take) {
            Some(Value::Array(details)) => details,
            Some(_) | None => Vec::new(),
        };
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { status, message, details, detail, retry_after: None }
    }

    fn classify(self, model: &ModelId) -> ProviderError {
        let Self { status, .. } = self;
        let retry_after = self.hint();
        match status {
            400 | 422 => self.bad_request(),
            401 | 403 if self.has_reason("BILLING_DISABLED") => {
                ProviderError::QuotaExhausted { detail: self.detail }
            }
            401 | 403 => ProviderError::Unauthorized { status, detail: self.detail },
            402 => ProviderError::QuotaExhausted { detail: self.detail },
            404 => ProviderError::ModelNotFound { model: model.to_string(), detail: self.detail },
            413 => ProviderError::TooLarge { detail: self.detail },
            429 if self.has_reason("MODEL_CAPACITY_EXHAUSTED") => {
                ProviderError::Overloaded { retry_after, detail: self.detail }
            }
            429 if self.is_about_money() => ProviderError::QuotaExhausted { detail: self.detail },
            429 => ProviderError::RateLimited { retry_after, detail: self.detail },
            503 | 529 => ProviderError::Overloaded { retry_after, detail: self.detail },
            408 | 409 | 499 | 500.. => ProviderError::Server { status, retry_after, detail: self.detail },
            _ => ProviderError::InvalidRequest { status, detail: self.detail },
        }
    }

    fn bad_request(self) -> ProviderError {
        let Self { status, .. } = self;
        if self.has_reason("API_KEY_INVALID") || self.mentions(KEY_WORDS) {
            return ProviderError::Unauthorized { status, detail: self.detail };
        }
        if self.mentions(MONEY_WORDS) {
            return ProviderError::QuotaExhausted { detail: self.detail };
        }
        if self.mentions(TOO_LONG_WORDS) {
            return ProviderError::ContextTooLong { detail: self.detail };
        }
        if self.mentions(&["payload size exceeds"]) {
            return ProviderError::TooLarge { detail: self.detail };
        }
        if self.mentions(STATE_WORDS) {
            return ProviderError::ReasoningState { detail: self.detail };
        }
        match OPTIONAL_PARAMETERS.iter().find(|(_, words)| self.mentions(words)) {
            Some((parameter, _)) => {
                ProviderError::Parameter { parameter: (*parameter).to_owned(), detail: self.detail }
            }
            None => ProviderError::InvalidRequest { status, detail: self.detail },
        }
    }

    /// When to come back: as `RetryInfo` says, else as the headers or the message do.
    fn hint(&self) -> Option<Duration> {
        let delays = self.details_of("RetryInfo").filter_map(|info| info.get("retryDelay")?.as_str());
        delays
            .filter_map(go_duration)
            .max()
            .or(self.retry_after)
            .or_else(|| duration_after(&self.message, "retry in"))
    }

    /// A quota of a day, of spending, or of nothing at all: no waiting that a task can do helps. Google adds a hint of
    /// a few seconds to these too.
    fn is_about_money(&self) -> bool {
        let is_long = |violation: &Value| {
            let id = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
            let is_nothing = violation.get("quotaValue").is_some_and(|value| value == "0" || value == 0);
            is_nothing || ["PerDay", "Daily", "Spend"].iter().any(|word| id.contains(word))
        };
        let is_limit_zero = self.message.split("limit: ").skip(1).any(|rest| {
            rest.strip_prefix('0')
                .is_some_and(|behind| !behind.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        });
        self.violations().any(is_long)
            || is_limit_zero
            || self.has_reason("QUOTA_EXHAUSTED")
            || self.mentions(MONEY_WORDS)
    }

    fn violations(&self) -> impl Iterator<Item = &Value> {
        self.details_of("QuotaFailure").filter_map(|failure| failure.get("violations")?.as_array()).flatten()
    }

    fn has_reason(&self, reason: &str) -> bool {
        self.details_of("ErrorInfo").any(|info| info.get("reason").is_some_and(|given| given == reason))
    }

    fn details_of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.details.iter().filter(move |detail| {
            let name = detail.get("@type").and_then(Value::as_str).unwrap_or_default();
            name.rsplit('.').next() == Some(kind)
        })
    }

    fn mentions(&self, words: &[&str]) -> bool {
        mentions(&self.message, words)
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
