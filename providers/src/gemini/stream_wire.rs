//! What the server sends. Hardly a field is required, unknown ones are ignored. Texts borrow from the event: only what
//! is kept is copied.

use std::borrow::Cow;

use codex_task_config::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A chunk of the stream, which is a whole response of its own, or an error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    pub(super) usage_metadata: Option<UsageMetadata>,
    pub(super) model_version: Option<String>,
    pub(super) response_id: Option<String>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// An answer. There is one, since we never ask for more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow)]
    pub(super) content: Option<CandidateContent<'a>>,
    pub(super) finish_reason: Option<String>,
    pub(super) finish_message: Option<String>,
    #[serde(borrow)]
    pub(super) grounding_metadata: Option<Grounding<'a>>,
}

/// What the server searched for, and what the answer rests on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grounding<'a> {
    #[serde(borrow)]
    pub(super) web_search_queries: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    pub(super) grounding_chunks: Option<Vec<GroundingChunk<'a>>>,
}

/// One thing that the answer rests on.
#[derive(Debug, Deserialize)]
pub(super) struct GroundingChunk<'a> {
    #[serde(borrow)]
    pub(super) web: Option<WebChunk<'a>>,
}

/// A page.
#[derive(Debug, Deserialize)]
pub(super) struct WebChunk<'a> {
    #[serde(borrow)]
    pub(super) uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) title: Option<Cow<'a, str>>,
}

/// What an answer says.
#[derive(Debug, Deserialize)]
pub(super) struct CandidateContent<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

/// The known fields of a part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartHead<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Cow<'a, str>>,
    /// Whether the text is a thought.
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) function_call: Option<CallPart<'a>>,
}

/// A call in a part.
#[derive(Debug, Deserialize)]
pub(super) struct CallPart<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

/// Of a part only its call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallHead<'a> {
    #[serde(borrow)]
    pub(super) function_call: Option<CallPart<'a>>,
}

/// Why a prompt was not answered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    pub(super) block_reason: Option<String>,
    pub(super) block_reason_message: Option<String>,
}

/// Token counts, cumulative. Cached tokens are counted inside the prompt, thoughts beside the candidates.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct UsageMetadata {
    #[serde(rename = "promptTokenCount")]
    pub(super) prompt: Option<u64>,
    #[serde(rename = "cachedContentTokenCount")]
    pub(super) cached: Option<u64>,
    #[serde(rename = "toolUsePromptTokenCount")]
    pub(super) tool_use: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    pub(super) candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    pub(super) thoughts: Option<u64>,
}

impl UsageMetadata {
    /// The normal form, whose parts do not overlap.
    pub(super) fn normal(self) -> TokenUsage {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        let read = count(self.cached);
        let uncached = count(self.prompt).saturating_sub(read);
        TokenUsage {
            input_tokens: uncached.saturating_add(count(self.tool_use)),
            output_tokens: count(self.candidates).saturating_add(count(self.thoughts)),
            cache_read_tokens: read,
            cache_write_tokens: 0,
            cache_write_1h_tokens: 0,
        }
    }
}

/// `GET /v1beta/models`.
#[derive(Debug, Deserialize)]
pub(super) struct ModelList {
    /// Absent when there is none.
    #[serde(default)]
    pub(super) models: Vec<ModelEntry>,
}

/// One model of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelEntry {
    /// With its collection: `models/gemini-...`.
    pub(super) name: String,
    /// What it can be called for; absent from compatible servers.
    pub(super) supported_generation_methods: Option<Vec<String>>,
}
