//! What OpenAI's errors mean, in error statuses and inside streams.

use std::time::Duration;

use codex_task_config::ModelId;
use serde_json::Value;

use super::stream_wire::WireError;
use crate::ProviderError;
use crate::error::RAMP_CODES;
use crate::http::{ErrorReply, clean, duration_after, mentions};

/// Codes and types that say that money, not time, is short. Those of spend limits all have that in their name.
const MONEY_CODES: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "billing_hard_limit_reached",
    "billing_not_active",
    "account_deactivated",
    "quota_exceeded",
    "usage_limit_reached",
];
/// Words of messages that say so without a code.
const MONEY_WORDS: &[&str] = &[
    "exceeded your current quota",
    "credit balance",
    "spend limit",
    "spending limit",
    "billing details",
    "billing hard limit",
];
/// Codes that say that the prompt is against the vendor's rules.
const POLICY_CODES: &[&str] =
    &["invalid_prompt", "content_filter", "bio_policy", "cyber_policy", "content_policy_violation"];
/// Words of a 400 that say that the conversation does not fit.
const TOO_LONG_WORDS: &[&str] = &[
    "context window",
    "context length",
    "context size",
    "maximum context",
    "input tokens exceed",
    "prompt is too long",
];
/// Words of a 400 that say that echoed reasoning is not accepted.
const STATE_WORDS: &[&str] =
    &["could not be verified", "could not be decrypted", "without its required", "item with id 'rs_"];
/// Parameters that a request can do without, by the first part of their name.
const OPTIONAL_PARAMETERS: &[&str] = &[
    "temperature",
    "reasoning",
    "include",
    "prompt_cache_key",
    "parallel_tool_calls",
    "max_output_tokens",
    "tool_choice",
];

/// Reads an error status.
pub(super) fn of_reply(reply: &ErrorReply, model: &ModelId) -> ProviderError {
    Fault {
        status: reply.status,
        error: reply.json().map(wire_error).unwrap_or_default(),
        detail: reply.detail(),
        retry_after: reply.retry_after(),
        should_retry: reply.should_retry(),
    }
    .classify(model)
}

/// Reads an error status of the list of models: no model is asked for, so a 404 says that there is no list.
pub(super) fn of_list_reply(reply: &ErrorReply) -> ProviderError {
    reply.about_a_list(of_reply(reply, &ModelId::new("")))
}

/// Reads an error event, which comes after the status 200: flat, or with an `error` of its own.
pub(super) fn of_event(data: &str, model: &ModelId) -> ProviderError {
    of_failure(serde_json::from_str(data).map(wire_error).unwrap_or_default(), model)
}

/// Reads the error of a failed response: its code or type stands for the status.
pub(super) fn of_failure(error: WireError, model: &ModelId) -> ProviderError {
    let words = [&error.message, &error.code, &error.kind];
    let words =
        words.into_iter().find(|words| !words.is_empty()).map_or("no reason was given", String::as_str);
    let detail = clean(words);
    let status = status_of(&error);
    Fault { status, error, detail, retry_after: None, should_retry: None }.classify(model)
}

/// The error within a body or an event; some servers leave out the `error` around it.
fn wire_error(mut body: Value) -> WireError {
    let inner = body.get_mut("error").filter(|error| error.is_object()).map(Value::take);
    serde_json::from_value(inner.unwrap_or(body)).unwrap_or_default()
}

/// All that is known about a failure.
struct Fault {
    status: u16,
    error: WireError,
    detail: String,
    retry_after: Option<Duration>,
    should_retry: Option<bool>,
}

impl Fault {
    fn classify(self, model: &ModelId) -> ProviderError {
        if self.is_about_money() {
            return ProviderError::QuotaExhausted { detail: self.detail };
        }
        if self.is_against_policy() {
            return ProviderError::Refused { category: Some(self.error.code), detail: self.detail };
        }
        if self.is_too_long() {
            return ProviderError::ContextTooLong { detail: self.detail };
        }
        if self.has_code("model_not_found") || (self.status == 404 && self.mentions(&["model"])) {
            return ProviderError::ModelNotFound { model: model.to_string(), detail: self.detail };
        }
        if self.has_code("string_above_max_length") {
            return ProviderError::TooLarge { detail: self.detail };
        }
        let Self { status, .. } = self;
        match status {
            400 | 422 => self.bad_request(),
            401 | 403 => ProviderError::Unauthorized { status, detail: self.detail },
            413 => ProviderError::TooLarge { detail: self.detail },
            429 | 503 if RAMP_CODES.contains(&self.error.code.as_str()) => {
                let detail = format!("{}: {}", self.error.code, self.detail);
                ProviderError::RateLimited { retry_after: self.hint(), detail }
            }
            429 => ProviderError::RateLimited { retry_after: self.hint(), detail: self.detail },
            503 | 529 => ProviderError::Overloaded { retry_after: self.hint(), detail: self.detail },
            _ if self.error.code.contains("overloaded") => {
                ProviderError::Overloaded { retry_after: self.hint(), detail: self.detail }
            }
            408 | 409 | 500.. => self.server_error(),
            _ if self.should_retry == Some(true) => self.server_error(),
            _ => ProviderError::InvalidRequest { status, detail: self.detail },
        }
    }

    fn server_error(self) -> ProviderError {
        ProviderError::Server { status: self.status, retry_after: self.hint(), detail: self.detail }
    }

    /// When to come back: as the headers say, else as the message does.
    fn hint(&self) -> Option<Duration> {
        self.retry_after.or_else(|| duration_after(&self.error.message, "try again in"))
    }

    fn is_about_money(&self) -> bool {
        let error = &self.error;
        let is_money = |code: &str| MONEY_CODES.contains(&code) || code.contains("spend_limit");
        match self.status {
            402 => true,
            _ if is_money(&error.code) || is_money(&error.kind) => true,
            // A throttled request has a code of its own, and a hint besides; its message may still name the bill.
            429 if error.code == "rate_limit_exceeded" => false,
            400 | 403 | 429 => self.mentions(MONEY_WORDS),
            _ => false,
        }
    }

    fn is_against_policy(&self) -> bool {
        let code = self.error.code.as_str();
        POLICY_CODES.contains(&code) || code.ends_with("_policy_violation")
    }

    fn is_too_long(&self) -> bool {
        let says_so =
            self.has_code("context_length_exceeded") || self.error.kind == "exceed_context_size_error";
        says_so
            || match self.status {
                400 | 413 | 422 => self.mentions(TOO_LONG_WORDS),
                // More than the limit of a whole minute: no waiting makes room for it.
                429 => self.mentions(&["request too large"]),
                _ => false,
            }
    }

    fn bad_request(self) -> ProviderError {
        if self.has_code("invalid_encrypted_content") || self.mentions(STATE_WORDS) {
            return ProviderError::ReasoningState { detail: self.detail };
        }
        match self.refused_parameter() {
            Some(parameter) => ProviderError::Parameter { parameter, detail: self.detail },
            None if self.should_retry == Some(true) => self.server_error(),
            None => ProviderError::InvalidRequest { status: self.status, detail: self.detail },
        }
    }

    /// The optional parameter that the error is about: named apart (`reasoning.effort`), else in the message alone.
    fn refused_parameter(&self) -> Option<String> {
        let Self { error, .. } = self;
        let root = error.param.split(['.', '[']).next().unwrap_or_default();
        if !root.is_empty() {
            return OPTIONAL_PARAMETERS.contains(&root).then(|| error.param.clone());
        }
        if self.mentions(&["encrypted content is not supported"]) {
            return Some("include".to_owned());
        }
        let is_quoted = |name: &&&str| {
            ['\'', '`', '"'].iter().any(|quote| {
                error.message.contains(&format!("{quote}{name}{quote}"))
                    || error.message.contains(&format!("{quote}{name}."))
            })
        };
        OPTIONAL_PARAMETERS.iter().find(is_quoted).map(|name| (*name).to_owned())
    }

    fn has_code(&self, code: &str) -> bool {
        self.error.code == code
    }

    fn mentions(&self, words: &[&str]) -> bool {
        mentions(&self.error.message, words)
    }
}

/// The status that an error inside a stream would have had.
fn status_of(error: &WireError) -> u16 {
    let by_code = match error.code.as_str() {
        "rate_limit_exceeded" | "slow_down" => Some(429),
        "server_is_overloaded" => Some(503),
        "vector_store_timeout" => Some(504),
        "context_length_exceeded" | "invalid_encrypted_content" => Some(400),
        "invalid_api_key" => Some(401),
        "model_not_found" => Some(404),
        // llama-server and gateways put the status here.
        code => code.parse().ok().filter(|status| (400..600).contains(status)),
    };
    by_code.unwrap_or(match error.kind.as_str() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" | "requests" | "tokens" => 429,
        "unavailable_error" | "service_unavailable_error" => 503,
        _ => 500,
    })
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
