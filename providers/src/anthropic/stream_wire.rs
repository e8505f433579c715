//! What the server sends. Fields that servers of this format leave out have defaults; unknown ones are ignored.
//! Texts borrow from the event: only what is kept is copied.

use std::borrow::Cow;

use codex_task_config::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Any event of the stream, and a whole message from a server that does not stream. One flat type: a tagged enum would
/// make the parser buffer each event before it knows the tag.
#[derive(Debug, Deserialize)]
pub(super) struct StreamEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) index: Option<usize>,
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(super) content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<WireError>,
}

/// The change that an event brings, to a block or to the message.
#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    /// Absent in `message_delta`.
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) partial_json: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) signature: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_details: Option<StopDetails>,
}

/// The message as it stands in `message_start`, and as a whole in a reply without a stream.
#[derive(Debug, Deserialize)]
pub(super) struct WireReply<'a> {
    pub(super) model: Option<String>,
    #[serde(borrow, default)]
    pub(super) content: Vec<&'a RawValue>,
    pub(super) usage: Option<WireUsage>,
    pub(super) stop_reason: Option<String>,
    pub(super) stop_details: Option<StopDetails>,
}

/// More about why the model stopped.
#[derive(Debug, Deserialize)]
pub(super) struct StopDetails {
    pub(super) category: Option<String>,
}

/// The known fields of a content block.
#[derive(Debug, Deserialize)]
pub(super) struct BlockHead<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) signature: Cow<'a, str>,
    /// Left out by llama-server.
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// Token counts, cumulative: a later event replaces what it names.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct WireUsage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
    pub(super) cache_creation: Option<CacheCreation>,
    pub(super) server_tool_use: Option<ServerToolUse>,
}

/// What the server's own tools did.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct ServerToolUse {
    pub(super) web_search_requests: Option<u32>,
}

/// The block that a search of the server's gives.
#[derive(Debug, Deserialize)]
pub(super) struct SearchResultBlock<'a> {
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
}

/// A page that was found.
#[derive(Debug, Deserialize)]
pub(super) struct FoundPage<'a> {
    #[serde(borrow, default)]
    pub(super) title: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
}

/// In place of pages, why there are none.
#[derive(Debug, Deserialize)]
pub(super) struct SearchFailure {
    pub(super) error_code: Option<String>,
}

/// Cache writes by lifetime.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct CacheCreation {
    pub(super) ephemeral_1h_input_tokens: Option<u64>,
}

impl WireUsage {
    /// Takes over what this event states.
    pub(super) fn apply_to(self, usage: &mut TokenUsage) {
        let long_lived = self.cache_creation.and_then(|written| written.ephemeral_1h_input_tokens);
        for (count, target) in [
            (self.input_tokens, &mut usage.input_tokens),
            (self.output_tokens, &mut usage.output_tokens),
            (self.cache_read_input_tokens, &mut usage.cache_read_tokens),
            (self.cache_creation_input_tokens, &mut usage.cache_write_tokens),
            (long_lived, &mut usage.cache_write_1h_tokens),
        ] {
            *target = count.unwrap_or(*target);
        }
    }
}

/// `error` of an error body or event.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WireError {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
    pub(super) details: Option<WireErrorDetails>,
}

/// `error.details`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireErrorDetails {
    pub(super) error_code: Option<String>,
}

/// `GET /v1/models`.
#[derive(Debug, Deserialize)]
pub(super) struct ModelList {
    pub(super) data: Vec<ModelEntry>,
}

/// One model of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ModelEntry {
    pub(super) id: String,
    /// `active`, `deprecated` or `retired`; absent from compatible servers.
    pub(super) lifecycle: Option<String>,
}
