//! What the server sends. Only what is used is read, and hardly a field is required: llama-server leaves out sequence
//! numbers, indices and details. Texts borrow from the event: only what is kept is copied.

use std::borrow::Cow;

use codex_task_config::TokenUsage;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Any event of the stream, and a whole response from a server that does not stream. One flat type whose fields are
/// looked at only where the kind of the event says what they are: others have fields of these names too.
#[derive(Debug, Deserialize)]
pub(super) struct StreamEvent<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) delta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    pub(super) output_index: Option<usize>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    /// `response` in a whole response.
    #[serde(borrow)]
    pub(super) object: Option<Cow<'a, str>>,
}

/// The response as it stands in its last event, and as a whole in a reply without a stream.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WireResponse<'a> {
    pub(super) model: Option<String>,
    #[serde(borrow)]
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) output: Option<Vec<&'a RawValue>>,
    pub(super) usage: Option<WireUsage>,
    pub(super) incomplete_details: Option<IncompleteDetails>,
    pub(super) error: Option<WireError>,
}

/// Why a response is incomplete.
#[derive(Debug, Deserialize)]
pub(super) struct IncompleteDetails {
    pub(super) reason: Option<String>,
}

/// The kind of an output item, before the rest is read.
#[derive(Debug, Deserialize)]
pub(super) struct ItemKind<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
}

/// The known fields of a function call.
#[derive(Debug, Deserialize)]
pub(super) struct CallItem<'a> {
    #[serde(borrow, default)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) call_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) arguments: Cow<'a, str>,
}

/// The known fields of a message.
#[derive(Debug, Deserialize)]
pub(super) struct MessageItem<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Vec<ContentPart<'a>>>,
}

/// A part of a message.
#[derive(Debug, Deserialize)]
pub(super) struct ContentPart<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) refusal: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) annotations: Option<Vec<Annotation<'a>>>,
}

/// What a text refers to.
#[derive(Debug, Deserialize)]
pub(super) struct Annotation<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) title: Cow<'a, str>,
}

/// The known fields of a search of the server's.
#[derive(Debug, Deserialize)]
pub(super) struct SearchItem<'a> {
    #[serde(borrow, default)]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) action: Option<SearchAction<'a>>,
}

/// What the server did: it searches, and opens pages.
#[derive(Debug, Deserialize)]
pub(super) struct SearchAction<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sources: Option<Vec<SearchSource<'a>>>,
}

/// A page that was found.
#[derive(Debug, Deserialize)]
pub(super) struct SearchSource<'a> {
    #[serde(borrow, default)]
    pub(super) url: Cow<'a, str>,
}

/// Token counts. Cached tokens are counted inside the input, reasoning inside the output.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct WireUsage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) input_tokens_details: Option<InputDetails>,
}

/// What of the input the cache had, and what went into it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct InputDetails {
    pub(super) cached_tokens: Option<u64>,
    pub(super) cache_write_tokens: Option<u64>,
}

impl WireUsage {
    /// The normal form, whose parts do not overlap.
    pub(super) fn normal(self) -> TokenUsage {
        let details = self.input_tokens_details.unwrap_or_default();
        let read = details.cached_tokens.unwrap_or(0);
        let written = details.cache_write_tokens.unwrap_or(0);
        TokenUsage {
            input_tokens: self.input_tokens.unwrap_or(0).saturating_sub(read).saturating_sub(written),
            output_tokens: self.output_tokens.unwrap_or(0),
            cache_read_tokens: read,
            cache_write_tokens: written,
            cache_write_1h_tokens: 0,
        }
    }
}

/// `error` of an error body, an error event or a failed response.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WireError {
    #[serde(rename = "type", default, deserialize_with = "text_or_empty")]
    pub(super) kind: String,
    /// A word at OpenAI, a number at others.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) code: String,
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) message: String,
    /// The parameter that the error is about.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) param: String,
}

/// A text or a number as text; anything else is no text.
fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    })
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
}
