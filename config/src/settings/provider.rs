//! One provider of the settings: where it is, how fast it may be asked and how long it may take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file::{ProviderFile, TimeoutsFile};
use crate::{AttachmentSupport, ModelId, ProviderKind};

/// One provider of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSettings {
    /// Its wire format.
    pub kind: ProviderKind,
    /// Where it is; the vendor's own address when absent.
    pub base_url: Option<String>,
    /// The environment variable that holds its key; the vendor's usual one when absent.
    pub api_key_env: Option<String>,
    /// Calls in flight at most.
    pub in_flight_max: usize,
    /// Its names for aliases, e.g. `sonnet: my-model-large`.
    pub models: BTreeMap<String, ModelId>,
    /// Tokens of its models' context window, where the price table does not know them.
    pub context_tokens: Option<u64>,
    /// What its models can be shown beside text, where the price table does not know.
    pub attachments: Option<AttachmentSupport>,
    /// Headers sent with each request, for gateways; never a key.
    pub headers: BTreeMap<String, String>,
    /// How much it may be asked per minute, for servers that do not say so themselves.
    pub limits: RateSettings,
    /// How long each part of a call may take, where that differs from the usual.
    pub timeouts: CallTimeouts,
}

/// How much a provider may be asked per minute, each model by itself. What is absent is not limited, or limited by what
/// the provider states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RateSettings {
    /// Requests.
    pub rpm: Option<u64>,
    /// Prompt tokens, as far as the provider counts them: those read from a cache are free at some.
    pub itpm: Option<u64>,
    /// Generated tokens.
    pub otpm: Option<u64>,
}

/// How long each part of a call may take. What is absent is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTimeouts {
    /// For a TCP and TLS connection.
    pub connect: Option<Duration>,
    /// Until the response headers are there.
    pub headers: Option<Duration>,
    /// From the headers to the first event.
    pub first_event: Option<Duration>,
    /// Without a single byte, once the answer has begun.
    pub byte_idle: Option<Duration>,
    /// Without an event, whatever else the server sends to keep the connection open.
    pub event_idle: Option<Duration>,
}

impl ProviderSettings {
    /// Calls in flight at most, unless set: an obligatory cap, or sockets run out.
    pub const IN_FLIGHT_MAX: usize = 64;
    /// The most that can be set.
    const IN_FLIGHT_LIMIT: usize = 4_096;

    /// A provider of which only the wire format is set.
    pub fn new(kind: ProviderKind) -> Self {
        Self {
            kind,
            base_url: None,
            api_key_env: None,
            in_flight_max: Self::IN_FLIGHT_MAX,
            models: BTreeMap::new(),
            context_tokens: None,
            attachments: None,
            headers: BTreeMap::new(),
            limits: RateSettings::default(),
            timeouts: CallTimeouts::default(),
        }
    }

    /// A provider as a file describes it. Whether the file may say all of that is for the caller to decide.
    pub(super) fn of_file(file: ProviderFile) -> Self {
        let named = |(alias, id): (String, String)| (alias.to_lowercase(), ModelId::new(id));
        // A limit of nothing would never let a call through: it is taken for none.
        let some = |number: Option<u64>| number.filter(|number| *number > 0);
        Self {
            kind: file.kind,
            base_url: file.base_url,
            api_key_env: file.api_key_env,
            in_flight_max: file.max_in_flight.unwrap_or(Self::IN_FLIGHT_MAX).clamp(1, Self::IN_FLIGHT_LIMIT),
            models: file.models.into_iter().map(named).collect(),
            context_tokens: file.context_tokens,
            attachments: file.attachments,
            headers: file.headers,
            limits: RateSettings {
                rpm: some(file.limits.rpm),
                itpm: some(file.limits.itpm),
                otpm: some(file.limits.otpm),
            },
            timeouts: CallTimeouts::of_file(&file.timeouts),
        }
    }
}

impl CallTimeouts {
    fn of_file(file: &TimeoutsFile) -> Self {
        Self {
            connect: file.connect.map(|length| length.0),
            headers: file.headers.map(|length| length.0),
            first_event: file.first_event.map(|length| length.0),
            byte_idle: file.byte_idle.map(|length| length.0),
            event_idle: file.event_idle.map(|length| length.0),
        }
    }
}
