//! Anthropic Messages, version headers `2023-06-01` and `2026-10-21`.

use serde_json::{Value, json};

use super::Call;
use super::call::{items, text};

const KEYS: &[&str] = &[
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "temperature",
    "thinking",
    "output_config",
    "cache_control",
    "metadata",
    "stop_sequences",
];

/// What is wrong with a conversation in which the model speaks last.
pub(crate) const ENDS_WITH_THE_MODEL: &str = "the last turn is not the user's";

pub(super) fn violations(call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    let body = &call.body;
    let version = call.header("anthropic-version");
    if !["2023-06-01", "2026-10-21"].contains(&version) {
        found.push(format!("anthropic-version {version:?}"));
    }
    if version == "2026-10-21" && body.get("temperature").is_some() {
        found.push("temperature with version 2026-10-21".into());
    }
    if call.header("x-api-key").is_empty() && !call.header("authorization").starts_with("Bearer ") {
        found.push("no credential".into());
    }
    if call.path != "/v1/messages" {
        found.push(format!("path {}", call.path));
    }
    let unknown = body.as_object().into_iter().flatten().filter(|(key, _)| !KEYS.contains(&key.as_str()));
    found.extend(unknown.map(|(key, _)| format!("unknown key {key}")));
    if body["max_tokens"].as_u64().unwrap_or_default() == 0 {
        found.push("max_tokens".into());
    }
    if body["stream"] != true || text(&body["model"]).is_empty() {
        found.push("stream and model".into());
    }
    if body.to_string().matches("\"cache_control\"").count() > 4 {
        found.push("more than 4 cache breakpoints".into());
    }
    let names = call.tools();
    if !names.is_sorted() {
        found.push(format!("tools not sorted: {names:?}"));
    }
    found.extend(turn_violations(call.turns()));
    found
}

fn turn_violations(turns: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for (n, turn) in turns.iter().enumerate() {
        let role = if n % 2 == 0 { "user" } else { "assistant" };
        if turn["role"] != role {
            found.push(format!("turn {n} is not {role}"));
        }
        let blocks = items(&turn["content"]);
        if turn["content"] == "" || blocks.iter().any(|b| b["type"] == "text" && b["text"] == "") {
            found.push(format!("turn {n} has an empty text"));
        }
        let results: Vec<String> = blocks
            .iter()
            .take_while(|b| b["type"] == "tool_result")
            .map(|b| text(&b["tool_use_id"]))
            .collect();
        if role == "user" && results != open {
            found.push(format!("turn {n} answers {results:?} where {open:?} were asked"));
        }
        open = blocks.iter().filter(|b| b["type"] == "tool_use").map(|b| text(&b["id"])).collect();
    }
    // A turn that was paused is sent back as it is.
    let is_paused =
        |turn: &Value| items(&turn["content"]).iter().any(|block| block["type"] == "server_tool_use");
    if turns.len().is_multiple_of(2) && !turns.last().is_some_and(is_paused) {
        found.push(ENDS_WITH_THE_MODEL.into());
    }
    found
}

pub(super) fn events(
    model: &str,
    reply: Option<&str>,
    tools: &[(String, Value)],
    nth: usize,
) -> Vec<(&'static str, Value)> {
    let usage = json!({"input_tokens": 12, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 1});
    let message = json!({"id": format!("msg_{nth}"), "type": "message", "role": "assistant", "model": model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    let mut events = vec![
        ("message_start", json!({"type": "message_start", "message": message})),
        ("ping", json!({"type": "ping"})),
    ];
    if let Some(reply) = reply {
        events.push((
            "content_block_start",
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ));
        for piece in pieces(reply) {
            events.push(("content_block_delta", json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})));
        }
        events.push(("content_block_stop", json!({"type": "content_block_stop", "index": 0})));
    }
    for (index, (name, arguments)) in tools.iter().enumerate() {
        let block =
            json!({"type": "tool_use", "id": format!("toolu_{nth}_{index}"), "name": name, "input": {}});
        events.push((
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        for piece in pieces(&arguments.to_string()) {
            events.push(("content_block_delta", json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}})));
        }
        events.push(("content_block_stop", json!({"type": "content_block_stop", "index": index})));
    }
    let stop = if tools.is_empty() { "end_turn" } else { "tool_use" };
    events.push(("message_delta", json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": 7}})));
    events.push(("message_stop", json!({"type": "message_stop"})));
    events
}

/// A text in three pieces, cut at characters.
pub(super) fn pieces(reply: &str) -> Vec<String> {
    let chars: Vec<char> = reply.chars().collect();
    chars.chunks(chars.len().div_ceil(3).max(1)).map(|chunk| chunk.iter().collect()).collect()
}

pub(super) fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock"})
}
