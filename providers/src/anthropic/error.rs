//! What Anthropic's errors mean, in error statuses and inside streams.

use std::time::Duration;

use codex_task_config::ModelId;
use serde::Deserialize;

use super::stream_wire::{WireError, WireErrorDetails};
use crate::ProviderError;
use crate::error::RAMP_CODES;
use crate::http::{ErrorReply, clean, mentions};

/// Codes that say that money, not time, is short.
const MONEY_CODES: &[&str] = &[
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "linked_organization_billing_unavailable",
];
/// Words of messages that say so without a code: they come as 400 and as 429.
const MONEY_WORDS: &[&str] = &["credit balance", "usage limit", "spend limit", "billing"];
/// Words of a 429 that waiting helps against.
const THROTTLE_WORDS: &[&str] =
    &["rate limit", "per minute", "per-minute", "per second", "too many requests"];
/// Words of a 400 that say that the conversation does not fit.
const TOO_LONG_WORDS: &[&str] =
    &["prompt is too long", "exceed context limit", "context window", "context length", "maximum context"];
/// Words of a 400 about thinking blocks that say that the echoed state, not the conversation, is wrong.
const STATE_WORDS: &[&str] =
    &["cannot be modified", "signature", "expected `thinking`", "must start with a thinking block"];
/// Parameters that a request can do without.
const OPTIONAL_PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "budget_tokens",
    "tool_choice",
    "output_config",
    "effort",
    "cache_control",
    "max_tokens",
];

/// Reads an error status.
pub(super) fn of_reply(reply: &ErrorReply, model: &ModelId) -> ProviderError {
    let wire: Option<ErrorBody> = serde_json::from_str(&reply.body).ok();
    Fault {
        status: reply.status,
        is_anthropic: wire.as_ref().is_some_and(|body| body.kind == "error"),
        error: wire.map(|body| body.error).unwrap_or_default(),
        detail: reply.detail(),
        retry_after: reply.retry_after(),
        should_retry: reply.should_retry(),
        has_rate_headers: reply.headers.keys().any(|name| name.as_str().starts_with("anthropic-ratelimit-")),
    }
    .classify(model)
}

/// Reads an error status of the list of models: no model is asked for, so a 404 says that there is no list.
pub(super) fn of_list_reply(reply: &ErrorReply) -> ProviderError {
    reply.about_a_list(of_reply(reply, &ModelId::new("")))
}

/// Reads an `error` event, which comes after the status 200: the type stands for the status.
pub(super) fn of_event(error: WireError, model: &ModelId) -> ProviderError {
    let detail = clean(if error.message.is_empty() { &error.kind } else { &error.message });
    Fault {
        status: status_of(&error.kind),
        is_anthropic: true,
        error,
        detail,
        retry_after: None,
        should_retry: None,
        // No headers can come any more, so their absence says nothing.
        has_rate_headers: true,
    }
    .classify(model)
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "type", default)]
    kind: String,
    error: WireError,
}

/// All that is known about a failure.
struct Fault {
    status: u16,
    /// Whether the body has Anthropic's form; gateways have their own.
    is_anthropic: bool,
    error: WireError,
    detail: String,
    retry_after: Option<Duration>,
    should_retry: Option<bool>,
    has_rate_headers: bool,
}

impl Fault {
    fn classify(self, model: &ModelId) -> ProviderError {
        if self.is_about_money() {
            return ProviderError::QuotaExhausted { detail: self.detail };
        }
        let Self { status, retry_after, .. } = self;
        match status {
            400 | 422 => self.bad_request(),
            401 | 403 => ProviderError::Unauthorized { status, detail: self.detail },
            404 => ProviderError::ModelNotFound { model: model.to_string(), detail: self.detail },
            413 => ProviderError::TooLarge { detail: self.detail },
            429 => match self.code().filter(|code| RAMP_CODES.contains(code)) {
                Some(code) => {
                    let detail = format!("{code}: {}", self.detail);
                    ProviderError::RateLimited { retry_after, detail }
                }
                None => ProviderError::RateLimited { retry_after, detail: self.detail },
            },
            503 | 529 => ProviderError::Overloaded { retry_after, detail: self.detail },
            _ if self.error.kind == "overloaded_error" => {
                ProviderError::Overloaded { retry_after, detail: self.detail }
            }
            408 | 409 | 500.. => ProviderError::Server { status, retry_after, detail: self.detail },
            _ if self.should_retry == Some(true) => {
                ProviderError::Server { status, retry_after, detail: self.detail }
            }
            _ => ProviderError::InvalidRequest { status, detail: self.detail },
        }
    }

    fn is_about_money(&self) -> bool {
        let code = self.code();
        match self.status {
            402 => true,
            _ if self.error.kind == "billing_error" || code.is_some_and(|c| MONEY_CODES.contains(&c)) => true,
            400 => self.mentions(MONEY_WORDS),
            429 => code.is_none() && self.is_429_about_money(),
            _ => false,
        }
    }

    fn code(&self) -> Option<&str> {
        self.error.details.as_ref().and_then(|details: &WireErrorDetails| details.error_code.as_deref())
    }

    /// A throttled reply says when to come back; one about money does not, since no time helps. Gateways often leave
    /// the hint out, so their silence proves nothing, nor does that of a message which names a rate.
    fn is_429_about_money(&self) -> bool {
        match self.should_retry {
            Some(retry) => !retry,
            None if self.retry_after.is_some() => false,
            None if self.mentions(MONEY_WORDS) => true,
            None => self.is_anthropic && !self.has_rate_headers && !self.mentions(THROTTLE_WORDS),
        }
    }

    fn bad_request(self) -> ProviderError {
        if self.mentions(TOO_LONG_WORDS) {
            return ProviderError::ContextTooLong { detail: self.detail };
        }
        if self.mentions(&["thinking"]) && self.mentions(STATE_WORDS) {
            return ProviderError::ReasoningState { detail: self.detail };
        }
        match refused_parameter(&self.error.message) {
            Some(parameter) => {
                ProviderError::Parameter { parameter: parameter.to_owned(), detail: self.detail }
            }
            None if self.should_retry == Some(true) => ProviderError::Server {
                status: self.status,
                retry_after: self.retry_after,
                detail: self.detail,
            },
            None => ProviderError::InvalidRequest { status: self.status, detail: self.detail },
        }
    }

    fn mentions(&self, words: &[&str]) -> bool {
        mentions(&self.error.message, words)
    }
}

/// The optional parameter that a message is about: named before a colon (`thinking.type: ...`), in quotes or
/// backticks (`` `temperature` is deprecated``), or as `the effort parameter`.
fn refused_parameter(message: &str) -> Option<&'static str> {
    let path = message.split([':', ' ']).next().unwrap_or_default();
    let leading = path.split('.').next().unwrap_or_default().trim_matches(['`', '\'', '"']);
    let is_optional = |name: &&&'static str| {
        leading == **name
            || ['`', '\'', '"'].iter().any(|quote| message.contains(&format!("{quote}{name}{quote}")))
            || message.contains(&format!("{name} parameter"))
    };
    OPTIONAL_PARAMETERS.iter().find(is_optional).copied()
}

fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
