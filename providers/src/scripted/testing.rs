//! Requests for the tests of this folder.

use std::sync::Arc;

use codex_task_config::ModelId;
use serde_json::value::RawValue;

use crate::{
    AssistantPart, AssistantTurn, ChatRequest, Message, ToolCall, ToolResult, ToolSpec, UserPart, UserTurn,
};

/// A request of these turns, with the tools Glob and Grep.
pub(super) fn request(messages: impl IntoIterator<Item = Message>) -> ChatRequest {
    ChatRequest {
        model: ModelId::new("scripted"),
        system: "You are a code reviewer.\nBe brief.".into(),
        tools: ["Glob", "Grep"].map(tool).into_iter().collect(),
        messages: messages.into_iter().map(Arc::new).collect(),
        max_output_tokens: None,
        temperature: None,
        effort: None,
        output: None,
        cache_key: "".into(),
        search: None,
    }
}

pub(super) fn tool(name: &str) -> ToolSpec {
    let schema = RawValue::from_string(r#"{"type":"object"}"#.to_owned()).unwrap();
    ToolSpec { name: name.into(), description: "".into(), input_schema: schema.into() }
}

pub(super) fn user(text: &str) -> Message {
    Message::User(UserTurn::text(text))
}

pub(super) fn said(text: &str) -> Message {
    assistant([AssistantPart::Text { text: text.to_owned() }])
}

/// An assistant turn that calls tools: ids and names.
pub(super) fn called<const N: usize>(calls: [(&str, &str); N]) -> Message {
    assistant(calls.map(|(id, name)| {
        AssistantPart::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: "{}".to_owned() })
    }))
}

pub(super) fn assistant(parts: impl IntoIterator<Item = AssistantPart>) -> Message {
    Message::Assistant(AssistantTurn { parts: parts.into_iter().collect(), state: None })
}

/// A user turn of tool results: ids, names and texts.
pub(super) fn results<const N: usize>(results: [(&str, &str, &str); N]) -> Message {
    Message::User(UserTurn { parts: results.map(result).into() })
}

pub(super) fn result((id, tool, text): (&str, &str, &str)) -> UserPart {
    UserPart::ToolResult(ToolResult {
        call_id: id.into(),
        tool: tool.into(),
        text: text.into(),
        is_error: false,
        attachments: Vec::new(),
    })
}
