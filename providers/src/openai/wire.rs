//! The request body of Responses. Borrows from the neutral request: nothing large is copied before it is serialised.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::attachments::DataUrl;

/// `POST /v1/responses`.
#[derive(Debug, Serialize)]
pub(super) struct ResponsesRequest<'a> {
    pub(super) model: &'a str,
    pub(super) stream: bool,
    /// Always false: what the server does not keep needs no deleting.
    pub(super) store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<ToolEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parallel_tool_calls: Option<bool>,
    /// Calls of the server's own tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tool_calls: Option<u32>,
    pub(super) input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<TextConfig<'a>>,
}

/// An entry of the list of tools.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ToolEntry<'a> {
    Ours(Tool<'a>),
    WebSearch(WebSearchTool<'a>),
}

/// The server's own search of the web.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "web_search")]
pub(super) struct WebSearchTool<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filters: Option<SearchFilters<'a>>,
}

/// Where to search.
#[derive(Debug, Serialize)]
pub(super) struct SearchFilters<'a> {
    pub(super) allowed_domains: &'a [String],
}

/// A tool definition.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "function")]
pub(super) struct Tool<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters: &'a RawValue,
    /// Always false: strict mode would make the model fill in every optional argument.
    pub(super) strict: bool,
}

/// An item of the conversation.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: Role,
        content: Content<'a>,
    },
    FunctionCall {
        call_id: Cow<'a, str>,
        name: Cow<'a, str>,
        /// JSON as text.
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: Cow<'a, str>,
        output: Output<'a>,
    },
    /// An item as the server sent it.
    #[serde(untagged)]
    Echo(&'a RawValue),
}

/// What a tool gave: text alone, or text with what is to be looked at.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<OutputPart<'a>>),
}

/// A part of what a tool gave.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum OutputPart<'a> {
    #[serde(rename = "input_text")]
    Text { text: Cow<'a, str> },
    #[serde(rename = "input_image")]
    Image { image_url: DataUrl<'a> },
    #[serde(rename = "input_file")]
    File { filename: &'a str, file_data: DataUrl<'a> },
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    User,
    Assistant,
}

/// What a message says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    /// The only form of an assistant's text that needs no id of the server's.
    Text(&'a str),
    Parts(Vec<InputText<'a>>),
}

/// A text of the user's.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "input_text")]
pub(super) struct InputText<'a> {
    pub(super) text: &'a str,
}

/// How much to reason.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Reasoning {
    pub(super) effort: &'static str,
}

/// The form of the answer.
#[derive(Debug, Serialize)]
pub(super) struct TextConfig<'a> {
    pub(super) format: JsonSchema<'a>,
}

/// An answer that follows a schema.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "json_schema")]
pub(super) struct JsonSchema<'a> {
    pub(super) name: &'a str,
    pub(super) schema: Cow<'a, Value>,
    pub(super) strict: bool,
}
