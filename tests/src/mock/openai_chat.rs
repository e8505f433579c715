//! Chat Completions, as OpenAI-compatible servers speak it.

use serde_json::{Value, json};

use super::Call;
use super::anthropic::pieces;
use super::call::{items, text};

pub(super) fn violations(call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    let body = &call.body;
    if call.path != "/v1/chat/completions" {
        found.push(format!("path {}", call.path));
    }
    if body["stream"] != true || text(&body["model"]).is_empty() {
        found.push("stream and model".into());
    }
    for tool in items(&body["tools"]) {
        if tool["type"] != "function" || text(&tool["function"]["name"]).is_empty() {
            found.push(format!("tool {tool}"));
        }
    }
    let mut open: Vec<String> = Vec::new();
    let mut last = String::new();
    for turn in call.turns() {
        let role = text(&turn["role"]);
        match role.as_str() {
            "tool" => {
                let id = text(&turn["tool_call_id"]);
                match open.iter().position(|call| *call == id) {
                    Some(at) => drop(open.remove(at)),
                    None => found.push(format!("a result for {id}, which was not called")),
                }
            }
            _ if !open.is_empty() => found.push(format!("no result for {open:?}")),
            "user" if last == "user" => found.push("two user turns in a row".into()),
            "assistant" => open = items(&turn["tool_calls"]).iter().map(|c| text(&c["id"])).collect(),
            "user" | "system" | "developer" => {}
            other => found.push(format!("role {other:?}")),
        }
        last = role;
    }
    if !open.is_empty() {
        found.push(format!("no result for {open:?}"));
    }
    found
}

pub(super) fn events(
    model: &str,
    reply: Option<&str>,
    tools: &[(String, Value)],
    nth: usize,
) -> Vec<(&'static str, Value)> {
    let chunk = |delta: Value, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        (
            "",
            json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}),
        )
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(
        reply.map(pieces).unwrap_or_default().into_iter().map(|piece| chunk(json!({"content": piece}), None)),
    );
    for (index, (name, arguments)) in tools.iter().enumerate() {
        let call = json!({"index": index, "id": format!("call_{nth}_{index}"), "type": "function", "function": {"name": name, "arguments": ""}});
        events.push(chunk(json!({"tool_calls": [call]}), None));
        for piece in pieces(&arguments.to_string()) {
            events.push(chunk(
                json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
                None,
            ));
        }
    }
    events.push(chunk(json!({}), Some(if tools.is_empty() { "stop" } else { "tool_calls" })));
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19});
    events.push(("", json!({"id": format!("chatcmpl-{nth}"), "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage})));
    events
}
