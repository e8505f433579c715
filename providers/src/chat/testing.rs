//! Conversations for the tests of encoders and backends.

use std::sync::Arc;

use codex_task_config::{Attachment, MediaType, ModelId};
use serde_json::value::RawValue;

use super::{
    AssistantPart, AssistantTurn, ChatRequest, Message, ProviderState, ToolCall, ToolResult, ToolSpec,
    UserPart, UserTurn,
};

/// A request with two tools, not sorted.
pub(crate) fn request(model: &str, messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        model: ModelId::new(model),
        system: "You review code.".into(),
        tools: Arc::new([tool("Read"), tool("Grep")]),
        messages: messages.into_iter().map(Arc::new).collect(),
        max_output_tokens: Some(4_096),
        temperature: None,
        effort: None,
        output: None,
        cache_key: "key".into(),
        search: None,
    }
}

pub(crate) fn tool(name: &str) -> ToolSpec {
    let input_schema =
        raw(r#"{"type":"object","properties":{"path":{"type":"string"}},"additionalProperties":false}"#);
    ToolSpec { name: name.into(), description: format!("{name}s files.").into(), input_schema }
}

pub(crate) fn raw(json: &str) -> Arc<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap().into()
}

pub(crate) fn user(text: &str) -> Message {
    Message::User(UserTurn::text(text))
}

pub(crate) fn results(parts: Vec<UserPart>) -> Message {
    Message::User(UserTurn { parts })
}

pub(crate) fn result(call_id: &str, text: &str) -> UserPart {
    tool_result(call_id, text, false)
}

pub(crate) fn failure(call_id: &str, text: &str) -> UserPart {
    tool_result(call_id, text, true)
}

/// A result that shows files of these kinds, called `a.png` and so on.
pub(crate) fn seen(call_id: &str, text: &str, kinds: &[MediaType]) -> UserPart {
    let attachments = kinds.iter().map(|kind| {
        let name = format!("a.{}", kind.as_str().rsplit('/').next().unwrap());
        Attachment { media_type: *kind, name: name.into(), data: "QUJD".into(), tokens: 100 }
    });
    let attachments = attachments.collect();
    let (call_id, text) = (call_id.into(), text.into());
    UserPart::ToolResult(ToolResult { call_id, tool: "Read".into(), text, is_error: false, attachments })
}

fn tool_result(call_id: &str, text: &str, is_error: bool) -> UserPart {
    let (call_id, text) = (call_id.into(), text.into());
    UserPart::ToolResult(ToolResult { call_id, tool: "Read".into(), text, is_error, attachments: Vec::new() })
}

/// A turn of a model whose own form of it is not known.
pub(crate) fn assistant(parts: Vec<AssistantPart>) -> Message {
    Message::Assistant(AssistantTurn { parts, state: None })
}

/// A turn with the form in which `model` wrote it.
pub(crate) fn assistant_of(format: &str, model: &str, parts: Vec<AssistantPart>, items: &[&str]) -> Message {
    let items = items.iter().map(|item| raw(item)).collect();
    let state = ProviderState { format: format.into(), model: ModelId::new(model), items };
    Message::Assistant(AssistantTurn { parts, state: Some(state) })
}

pub(crate) fn call(id: &str, arguments: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall { id: id.into(), name: "Read".into(), arguments: arguments.into() })
}

pub(crate) fn text(text: &str) -> AssistantPart {
    AssistantPart::Text { text: text.to_owned() }
}
