//! One loopback server per wire format. It answers what the story's closure says, in the vendor's own stream form, and
//! it refuses (HTTP 400, and a failed story) any request that the vendor would refuse.

mod anthropic;
mod call;
mod gemini;
mod openai;
mod openai_chat;
mod prompt_cache;
mod reply;
mod search;
mod server;
mod shown;

pub(crate) use anthropic::ENDS_WITH_THE_MODEL;
pub use call::Call;
pub(crate) use call::joined;
pub use prompt_cache::CacheUse;
pub use reply::Reply;
pub use server::Mock;

use std::net::SocketAddr;

use axum::body::Bytes;
use serde_json::Value;

/// The wire formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Responses.
    OpenAi,
    /// OpenAI Chat Completions, as compatible servers speak it.
    OpenAiChat,
    /// Gemini `streamGenerateContent`.
    Gemini,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::OpenAi, Self::OpenAiChat, Self::Gemini];

    /// What the vendor's base-URL variable would hold for a server at this address.
    pub(crate) fn base_url(self, address: SocketAddr) -> String {
        match self {
            Self::OpenAi | Self::OpenAiChat => format!("http://{address}/v1"),
            Self::Anthropic | Self::Gemini => format!("http://{address}"),
        }
    }

    /// What the vendor would refuse about a request.
    pub(crate) fn violations(self, call: &Call) -> Vec<String> {
        let mut found = match self {
            Self::Anthropic => anthropic::violations(call),
            Self::OpenAi => openai::violations(call),
            Self::OpenAiChat => openai_chat::violations(call),
            Self::Gemini => gemini::violations(call),
        };
        found.extend(shown::violations(call));
        found.extend(search::violations(call));
        found
    }

    /// The stream of a whole answer, as the events' `event:` names (where the format has them) and data.
    fn events(
        self,
        model: &str,
        text: Option<&str>,
        tools: &[(String, Value)],
        nth: usize,
    ) -> Vec<(&'static str, Value)> {
        match self {
            Self::Anthropic => anthropic::events(model, text, tools, nth),
            Self::OpenAi => openai::events(model, text, tools, nth),
            Self::OpenAiChat => openai_chat::events(model, text, tools, nth),
            Self::Gemini => gemini::events(model, text, tools, nth),
        }
    }

    /// The stream of a whole answer as it goes over the wire, one piece for each event.
    pub(crate) fn frames(
        self,
        model: &str,
        text: Option<&str>,
        tools: &[(String, Value)],
        nth: usize,
    ) -> Vec<Bytes> {
        self.framed(&self.events(model, text, tools, nth))
    }

    /// Events as they go over the wire.
    fn framed(self, events: &[(&'static str, Value)]) -> Vec<Bytes> {
        let end = (self == Self::OpenAiChat).then(|| Bytes::from_static(b"data: [DONE]\n\n"));
        events.iter().map(|(name, data)| frame(name, data)).chain(end).collect()
    }

    /// The body of an error reply with this message.
    pub(crate) fn error_body(self, status: u16, message: &str) -> Value {
        match self {
            Self::Anthropic => anthropic::error_body(status, message),
            Self::OpenAi | Self::OpenAiChat => openai::error_body(status, message),
            Self::Gemini => gemini::error_body(status, message),
        }
    }
}

/// An event as it goes over the wire; in some formats events have no names.
pub(crate) fn frame(name: &str, data: &Value) -> Bytes {
    let event = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
    format!("{event}data: {data}\n\n").into()
}
