//! The request body of Chat Completions. Borrows from the neutral request: nothing large is copied before it is
//! serialised.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::attachments::DataUrl;
use crate::raw_object::object_or_empty;
use crate::wire_name::wire_name;

/// `POST /chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct ChatCompletionsRequest<'a> {
    pub(super) model: &'a str,
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f32>,
    /// The output limit at every server but OpenAI's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    /// The output limit at OpenAI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_key: Option<&'a str>,
}

/// What a stream carries besides the answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: bool,
}

/// A tool definition.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Tool<'a> {
    Function { function: FunctionSpec<'a> },
}

/// A function that the model may call.
#[derive(Debug, Serialize)]
pub(super) struct FunctionSpec<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) parameters: &'a RawValue,
}

/// A message.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum WireMessage<'a> {
    Plain {
        role: PlainRole,
        content: Cow<'a, str>,
    },
    /// What a user says and shows.
    Shown {
        role: PlainRole,
        content: Vec<ContentPart<'a>>,
    },
    Result {
        role: ResultRole,
        tool_call_id: &'a str,
        content: Cow<'a, str>,
    },
    Assistant(AssistantMessage<'a>),
    /// A message of the assistant's as the server sent it.
    Echo(&'a RawValue),
}

/// Who says a message of text alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlainRole {
    System,
    Developer,
    User,
}

/// A part of a message that shows something.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl<'a> },
    File { file: InlineFile<'a> },
}

/// An image.
#[derive(Debug, Serialize)]
pub(super) struct ImageUrl<'a> {
    pub(super) url: DataUrl<'a>,
}

/// A document.
#[derive(Debug, Serialize)]
pub(super) struct InlineFile<'a> {
    pub(super) filename: &'a str,
    pub(super) file_data: DataUrl<'a>,
}

/// The role of a tool's result.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ResultRole {
    Tool,
}

/// The role of the model.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AssistantRole {
    Assistant,
}

/// What the model said. The content is never left out: some servers want it beside tool calls too, and take an empty
/// one.
#[derive(Debug, Serialize)]
pub(super) struct AssistantMessage<'a> {
    pub(super) role: AssistantRole,
    pub(super) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    pub(super) reasoning_details: &'a [Value],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<WireCall<'a>>,
}

/// A tool call.
#[derive(Debug, Serialize)]
pub(super) struct WireCall<'a> {
    pub(super) id: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: CallKind,
    pub(super) function: WireFunction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<&'a RawValue>,
}

/// The kind of a tool call.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallKind {
    Function,
}

/// What is called, and with what.
#[derive(Debug, Serialize)]
pub(super) struct WireFunction<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: &'a str,
}

/// The form of the answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ResponseFormat<'a> {
    JsonSchema { json_schema: JsonSchema<'a> },
}

/// A schema by name.
#[derive(Debug, Serialize)]
pub(super) struct JsonSchema<'a> {
    pub(super) name: &'a str,
    pub(super) schema: Cow<'a, Value>,
    pub(super) strict: bool,
}

impl<'a> AssistantMessage<'a> {
    /// A message of text alone.
    pub(super) fn new(content: impl Into<Cow<'a, str>>) -> Self {
        Self {
            role: AssistantRole::Assistant,
            content: content.into(),
            reasoning_content: None,
            reasoning: None,
            reasoning_details: &[],
            tool_calls: Vec::new(),
        }
    }
}

impl<'a> WireCall<'a> {
    /// A call. Arguments that are no JSON object become one: servers parse them, and refuse a whole conversation for a
    /// broken one.
    pub(super) fn new(id: &'a str, name: &'a str, arguments: &'a str) -> Self {
        let function = WireFunction { name: wire_name(name), arguments: object_or_empty(arguments).get() };
        Self { id, kind: CallKind::Function, function, extra_content: None }
    }
}
