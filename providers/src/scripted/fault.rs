//! What goes wrong on purpose.

use std::time::Duration;

use serde::Deserialize;

use crate::{ProviderError, WaitingFor};

/// The words of an error whose scenario has no `detail`.
const DETAIL: &str = "the scenario says so";

/// A failure at a certain point of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "FaultForm")]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// How many bytes of the answer come before; `None`: it happens before the server accepts the call.
    pub after_bytes: Option<usize>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The call fails.
    Error(ProviderError),
    /// Nothing happens any more.
    Hang,
    /// The backend panics.
    Panic,
}

/// A fault as files write it: one flat map whose `kind` is one of the words of [`ProviderError::kind`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultForm {
    kind: Kind,
    after_bytes: Option<usize>,
    /// `rate_limited`, `overloaded`, `server_error`
    retry_after_ms: Option<u64>,
    /// `server_error`, `unauthorized`, `invalid_request`
    status: Option<u16>,
    /// `parameter_refused`
    parameter: Option<String>,
    /// `refused`
    category: Option<String>,
    /// Any error but `timeout` and `redirect`.
    detail: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Hang,
    Panic,
    Unreachable,
    Certificate,
    Timeout,
    RateLimited,
    QuotaExhausted,
    Overloaded,
    ServerError,
    Unauthorized,
    NoCredential,
    ModelNotFound,
    ContextTooLong,
    RequestTooLarge,
    ParameterRefused,
    ReasoningStateRefused,
    Refused,
    InvalidRequest,
    BrokenStream,
    Protocol,
    Redirect,
}

impl Fault {
    /// The call fails before the server accepts it; a broken stream has of course begun before it breaks.
    pub fn error(error: ProviderError) -> Self {
        let after_bytes = matches!(error, ProviderError::BrokenStream { .. }).then_some(0);
        Self { kind: FaultKind::Error(error), after_bytes }
    }

    /// The server never answers.
    pub fn hang() -> Self {
        Self { kind: FaultKind::Hang, after_bytes: None }
    }

    /// The backend panics when it is called.
    pub fn panic() -> Self {
        Self { kind: FaultKind::Panic, after_bytes: None }
    }

    /// It happens after so many bytes of reasoning, text and arguments.
    #[must_use]
    pub fn after_bytes(mut self, bytes: usize) -> Self {
        self.after_bytes = Some(bytes);
        self
    }
}

impl TryFrom<FaultForm> for Fault {
    type Error = String;

    fn try_from(form: FaultForm) -> Result<Self, String> {
        form.check()?;
        let after_bytes = form.after_bytes;
        let mut fault = match form.kind {
            Kind::Hang => Self::hang(),
            Kind::Panic => Self::panic(),
            _ => Self::error(form.into_error()),
        };
        fault.after_bytes = after_bytes.or(fault.after_bytes);
        Ok(fault)
    }
}

impl FaultForm {
    /// A key that the kind has no use for is a mistake of the author.
    fn check(&self) -> Result<(), String> {
        let is = |kinds: &[Kind]| kinds.contains(&self.kind);
        let no_detail = is(&[Kind::Hang, Kind::Panic, Kind::Timeout, Kind::Redirect, Kind::NoCredential]);
        let unused = [
            (
                "retry_after_ms",
                self.retry_after_ms.is_some(),
                is(&[Kind::RateLimited, Kind::Overloaded, Kind::ServerError]),
            ),
            (
                "status",
                self.status.is_some(),
                is(&[Kind::ServerError, Kind::Unauthorized, Kind::InvalidRequest]),
            ),
            ("parameter", self.parameter.is_some(), is(&[Kind::ParameterRefused])),
            ("category", self.category.is_some(), is(&[Kind::Refused])),
            ("detail", self.detail.is_some(), !no_detail),
        ];
        match unused.into_iter().find(|(_, is_set, is_used)| *is_set && !is_used) {
            Some((key, ..)) => Err(format!("this kind of fault has no '{key}'")),
            None if self.kind == Kind::ParameterRefused && self.parameter.is_none() => {
                Err("this kind of fault needs 'parameter'".to_owned())
            }
            None => Ok(()),
        }
    }

    fn into_error(self) -> ProviderError {
        let detail = self.detail.unwrap_or_else(|| DETAIL.to_owned());
        let host = "scripted".to_owned();
        let retry_after = self.retry_after_ms.map(Duration::from_millis);
        let status = |usual: u16| self.status.unwrap_or(usual);
        match self.kind {
            Kind::Unreachable => ProviderError::Unreachable { host, detail },
            Kind::Certificate => ProviderError::Certificate { host, detail },
            Kind::Timeout => {
                ProviderError::Timeout { waiting_for: WaitingFor::Headers, after: Duration::from_mins(1) }
            }
            Kind::RateLimited => ProviderError::RateLimited { retry_after, detail },
            Kind::QuotaExhausted => ProviderError::QuotaExhausted { detail },
            Kind::Overloaded => ProviderError::Overloaded { retry_after, detail },
            Kind::ServerError => ProviderError::Server { status: status(500), retry_after, detail },
            Kind::Unauthorized => ProviderError::Unauthorized { status: status(401), detail },
            Kind::NoCredential => {
                ProviderError::NoCredential { provider: host, variable: "SCRIPTED_API_KEY".to_owned() }
            }
            Kind::ModelNotFound => ProviderError::ModelNotFound { model: host, detail },
            Kind::ContextTooLong => ProviderError::ContextTooLong { detail },
            Kind::RequestTooLarge => ProviderError::TooLarge { detail },
            Kind::ParameterRefused => {
                ProviderError::Parameter { parameter: self.parameter.unwrap_or_default(), detail }
            }
            Kind::ReasoningStateRefused => ProviderError::ReasoningState { detail },
            Kind::Refused => ProviderError::Refused { category: self.category, detail },
            Kind::InvalidRequest => ProviderError::InvalidRequest { status: status(400), detail },
            Kind::BrokenStream => ProviderError::BrokenStream { detail },
            // `Hang` and `Panic` are no errors and do not come here.
            Kind::Protocol | Kind::Hang | Kind::Panic => ProviderError::Protocol { detail },
            Kind::Redirect => ProviderError::Redirect { location: "https://elsewhere.invalid/".to_owned() },
        }
    }
}
