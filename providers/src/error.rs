//! Everything that can go wrong with a model call, as types that the agent loop can decide on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Codes that say that calls have become more too fast.
pub(crate) const RAMP_CODES: &[&str] = &["slow_down", "ramp_limit_exceeded"];

/// Which part of a call took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// TCP or TLS connection.
    Connection,
    /// Response headers.
    Headers,
    /// The first event of the stream.
    FirstEvent,
    /// The next event of the stream.
    NextEvent,
    /// Any byte of a stream that has begun.
    NextByte,
    /// The end of a reply that kept coming.
    EndOfReply,
}

impl std::fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connection => "a connection",
            Self::Headers => "response headers",
            Self::FirstEvent => "the first event",
            Self::NextEvent => "the next event",
            Self::NextByte => "anything at all",
            Self::EndOfReply => "the end of the reply",
        })
    }
}

/// Why a model call failed. Texts never contain keys, headers or prompts; `detail` is the provider's own message,
/// bounded and without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderError {
    /// The host could not be reached: DNS, refused connection, reset before a response.
    #[error("cannot reach {host}: {detail}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The operating system's words.
        detail: String,
    },
    /// The server's certificate was not accepted: never retried.
    #[error("the certificate of {host} was not accepted: {detail}")]
    Certificate {
        /// Host and port.
        host: String,
        /// The verifier's words.
        detail: String,
    },
    /// The server took too long.
    #[error("no answer after {after:?} while waiting for {waiting_for}")]
    Timeout {
        /// What was waited for.
        waiting_for: WaitingFor,
        /// How long.
        after: Duration,
    },
    /// Too many requests or tokens per time: waiting helps.
    #[error("rate limit exceeded: {detail}")]
    RateLimited {
        /// The server's own hint.
        retry_after: Option<Duration>,
        /// The server's message.
        detail: String,
    },
    /// Money or quota is used up: waiting does not help.
    #[error("quota or credit exhausted: {detail}")]
    QuotaExhausted {
        /// The server's message.
        detail: String,
    },
    /// The server is overloaded (529, 503, `overloaded_error`).
    #[error("overloaded: {detail}")]
    Overloaded {
        /// The server's own hint.
        retry_after: Option<Duration>,
        /// The server's message.
        detail: String,
    },
    /// Any other failure on the server's side (5xx, 408, 409).
    #[error("server error {status}: {detail}")]
    Server {
        /// HTTP status; 200 when the failure came inside the stream.
        status: u16,
        /// The server's own hint.
        retry_after: Option<Duration>,
        /// The server's message.
        detail: String,
    },
    /// The credential is missing, wrong or not allowed to do this (401, 403, Gemini's 400 `API_KEY_INVALID`).
    #[error("credential refused (HTTP {status}): {detail}")]
    Unauthorized {
        /// HTTP status.
        status: u16,
        /// The server's message.
        detail: String,
    },
    /// No credential is configured for this provider.
    #[error("no credential for {provider}")]
    NoCredential {
        /// The provider.
        provider: String,
        /// The environment variable that would hold it.
        variable: String,
    },
    /// The model does not exist, is retired, or is not open to this account.
    #[error("model '{model}' not found: {detail}")]
    ModelNotFound {
        /// The model asked for.
        model: String,
        /// The server's message.
        detail: String,
    },
    /// The conversation does not fit the model's context window.
    #[error("the conversation is too long for the model: {detail}")]
    ContextTooLong {
        /// The server's message, with its sizes.
        detail: String,
    },
    /// The body is larger than the server accepts (413).
    #[error("the request is too large: {detail}")]
    TooLarge {
        /// The server's message.
        detail: String,
    },
    /// The server did not accept a parameter. The backend remembers it and leaves it out of later calls of this model; the
    /// loop sends the call once more.
    #[error("parameter '{parameter}' not accepted: {detail}")]
    Parameter {
        /// Its name on the wire.
        parameter: String,
        /// The server's message.
        detail: String,
    },
    /// Echoed reasoning state was not accepted: strip it and send again, once.
    #[error("reasoning state not accepted: {detail}")]
    ReasoningState {
        /// The server's message.
        detail: String,
    },
    /// The prompt was blocked before the model answered.
    #[error("the provider refused the prompt: {detail}")]
    Refused {
        /// The provider's category.
        category: Option<String>,
        /// The server's message.
        detail: String,
    },
    /// Any other request that will fail again in the same form (other 4xx).
    #[error("request refused (HTTP {status}): {detail}")]
    InvalidRequest {
        /// HTTP status.
        status: u16,
        /// The server's message.
        detail: String,
    },
    /// The stream ended, or was reset, before its terminal event.
    #[error("the stream broke off: {detail}")]
    BrokenStream {
        /// What was seen.
        detail: String,
    },
    /// The server answered with something that is not its protocol.
    #[error("unreadable answer: {detail}")]
    Protocol {
        /// What was seen.
        detail: String,
    },
    /// A redirect, which is never followed: it would send the key elsewhere.
    #[error("the server redirects to {location}, which is not followed")]
    Redirect {
        /// Where to, without its query.
        location: String,
    },
}

/// What a failed call means for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The same call may succeed later on the same route.
    Retry,
    /// This route will not succeed now, another may.
    NextRoute,
    /// Change the request (compact, drop a parameter, strip state), then send it again.
    Adapt,
    /// No route will help.
    GiveUp,
}

impl ProviderError {
    /// What the failure means for the next attempt.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Server { .. }
            | Self::BrokenStream { .. }
            | Self::Protocol { .. } => Remedy::Retry,
            Self::Certificate { .. }
            | Self::QuotaExhausted { .. }
            | Self::Unauthorized { .. }
            | Self::NoCredential { .. }
            | Self::ModelNotFound { .. }
            | Self::Refused { .. }
            | Self::Redirect { .. } => Remedy::NextRoute,
            Self::ContextTooLong { .. } | Self::Parameter { .. } | Self::ReasoningState { .. } => {
                Remedy::Adapt
            }
            Self::TooLarge { .. } | Self::InvalidRequest { .. } => Remedy::GiveUp,
        }
    }

    /// Whether the provider itself is unwell, as opposed to being asked too much or for what it does not do.
    pub fn is_outage(&self) -> bool {
        match self {
            // An answer that is only too long says nothing about the provider.
            Self::Timeout { waiting_for, .. } => *waiting_for != WaitingFor::EndOfReply,
            Self::Unreachable { .. }
            | Self::Overloaded { .. }
            | Self::Server { .. }
            | Self::BrokenStream { .. }
            | Self::Protocol { .. } => true,
            Self::Certificate { .. }
            | Self::RateLimited { .. }
            | Self::QuotaExhausted { .. }
            | Self::Unauthorized { .. }
            | Self::NoCredential { .. }
            | Self::ModelNotFound { .. }
            | Self::ContextTooLong { .. }
            | Self::TooLarge { .. }
            | Self::Parameter { .. }
            | Self::ReasoningState { .. }
            | Self::Refused { .. }
            | Self::InvalidRequest { .. }
            | Self::Redirect { .. } => false,
        }
    }

    /// Whether calls have become more too fast for the provider, whatever their number: backends begin the message with
    /// the code that says so.
    pub fn grows_too_fast(&self) -> bool {
        match self {
            Self::RateLimited { detail, .. } => RAMP_CODES.iter().any(|code| detail.starts_with(code)),
            _ => false,
        }
    }

    /// The server's own hint when to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Overloaded { retry_after, .. }
            | Self::Server { retry_after, .. } => *retry_after,
            Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::Timeout { .. }
            | Self::QuotaExhausted { .. }
            | Self::Unauthorized { .. }
            | Self::NoCredential { .. }
            | Self::ModelNotFound { .. }
            | Self::ContextTooLong { .. }
            | Self::TooLarge { .. }
            | Self::Parameter { .. }
            | Self::ReasoningState { .. }
            | Self::Refused { .. }
            | Self::InvalidRequest { .. }
            | Self::BrokenStream { .. }
            | Self::Protocol { .. }
            | Self::Redirect { .. } => None,
        }
    }

    /// A short stable name, for `--json` and telemetry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Certificate { .. } => "certificate",
            Self::Timeout { .. } => "timeout",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExhausted { .. } => "quota_exhausted",
            Self::Overloaded { .. } => "overloaded",
            Self::Server { .. } => "server_error",
            Self::Unauthorized { .. } => "unauthorized",
            Self::NoCredential { .. } => "no_credential",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::ContextTooLong { .. } => "context_too_long",
            Self::TooLarge { .. } => "request_too_large",
            Self::Parameter { .. } => "parameter_refused",
            Self::ReasoningState { .. } => "reasoning_state_refused",
            Self::Refused { .. } => "refused",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::BrokenStream { .. } => "broken_stream",
            Self::Protocol { .. } => "protocol",
            Self::Redirect { .. } => "redirect",
        }
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreachable { host, .. } => Some(format!(
                "check that {host} is the right address and that the network or the server is up"
            )),
            Self::Certificate { .. } => Some(
                "check the base URL, the system clock and the certificate authorities of this machine".into(),
            ),
            Self::Timeout { .. } => Some("try again, raise the time-out, or add a fallback route".into()),
            Self::RateLimited { retry_after: Some(wait), .. } => {
                Some(format!("retry in {} seconds or switch to another model", wait.as_secs().max(1)))
            }
            Self::RateLimited { retry_after: None, .. } => {
                Some("retry in a minute or switch to another model".into())
            }
            Self::QuotaExhausted { .. } => {
                Some("check the billing page of the provider, or use another one".into())
            }
            Self::Overloaded { .. } | Self::Server { .. } => {
                Some("usually temporary: try again, or add a fallback route".into())
            }
            Self::Unauthorized { .. } => {
                Some("check the API key; `codex-task doctor` shows which one is used".into())
            }
            Self::NoCredential { variable, .. } => Some(format!("set {variable}")),
            Self::ModelNotFound { .. } => Some("check the model name, or use haiku, sonnet or opus".into()),
            Self::ContextTooLong { .. } => {
                Some("give the agent a smaller task or a model with a larger window".into())
            }
            Self::TooLarge { .. } => Some("give the agent smaller inputs".into()),
            Self::Refused { .. } => Some("rephrase the prompt, or use another model".into()),
            Self::BrokenStream { .. } => {
                Some("try again; if it persists, look at proxies between you and the provider".into())
            }
            Self::Protocol { .. } => Some("check that the base URL speaks the configured API".into()),
            Self::Redirect { .. } => Some("set the base URL to the final address".into()),
            Self::Parameter { .. } | Self::ReasoningState { .. } | Self::InvalidRequest { .. } => None,
        }
    }
}
