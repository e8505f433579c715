//! OpenAI Responses, stateless.

use serde_json::{Value, json};

use super::Call;
use super::anthropic::pieces;
use super::call::{items, text};

pub(super) fn violations(call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    let body = &call.body;
    if !call.header("authorization").starts_with("Bearer ") {
        found.push("no credential".into());
    }
    if call.path != "/v1/responses" {
        found.push(format!("path {}", call.path));
    }
    if body["stream"] != true || body["store"] != false || text(&body["model"]).is_empty() {
        found.push("stream, store and model".into());
    }
    for tool in items(&body["tools"]).iter().filter(|tool| tool["type"] != "web_search") {
        if tool["type"] != "function" || tool.get("strict").is_none() || tool.get("parameters").is_none() {
            found.push(format!("tool {tool}"));
        }
    }
    let mut open: Vec<String> = Vec::new();
    for item in call.turns() {
        match item["type"].as_str() {
            Some("function_call") => open.push(text(&item["call_id"])),
            Some("function_call_output") => {
                let id = text(&item["call_id"]);
                match open.iter().position(|call| *call == id) {
                    Some(at) => drop(open.remove(at)),
                    None => found.push(format!("an output for {id}, which was not called")),
                }
            }
            Some("message") | None if !open.is_empty() => found.push(format!("no output for {open:?}")),
            Some(_) | None => {}
        }
    }
    if !open.is_empty() {
        found.push(format!("no output for {open:?}"));
    }
    if call.turns().is_empty() {
        found.push("no input".into());
    }
    found
}

pub(super) fn events(
    model: &str,
    reply: Option<&str>,
    tools: &[(String, Value)],
    nth: usize,
) -> Vec<(&'static str, Value)> {
    let id = format!("resp_{nth}");
    let mut output = Vec::new();
    let mut events = vec![(
        "response.created",
        json!({"type": "response.created", "response": {"id": id, "model": model, "status": "in_progress", "output": []}}),
    )];
    if let Some(reply) = reply {
        let item = format!("msg_{nth}");
        let start = json!({"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []});
        events.push((
            "response.output_item.added",
            json!({"type": "response.output_item.added", "output_index": 0, "item": start}),
        ));
        for piece in pieces(reply) {
            events.push(("response.output_text.delta", json!({"type": "response.output_text.delta", "item_id": item, "output_index": 0, "content_index": 0, "delta": piece, "logprobs": []})));
        }
        let done = json!({"id": item, "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": reply, "annotations": [], "logprobs": []}]});
        events.push((
            "response.output_item.done",
            json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        ));
        output.push(done);
    }
    for (index, (name, arguments)) in tools.iter().enumerate() {
        let (item, call) = (format!("fc_{nth}_{index}"), format!("call_{nth}_{index}"));
        let start = json!({"id": item, "type": "function_call", "call_id": call, "name": name, "arguments": "", "status": "in_progress"});
        events.push((
            "response.output_item.added",
            json!({"type": "response.output_item.added", "output_index": index, "item": start}),
        ));
        for piece in pieces(&arguments.to_string()) {
            events.push(("response.function_call_arguments.delta", json!({"type": "response.function_call_arguments.delta", "item_id": item, "output_index": index, "delta": piece})));
        }
        let done = json!({"id": item, "type": "function_call", "call_id": call, "name": name, "arguments": arguments.to_string(), "status": "completed"});
        events.push((
            "response.output_item.done",
            json!({"type": "response.output_item.done", "output_index": index, "item": done}),
        ));
        output.push(done);
    }
    let usage = json!({"input_tokens": 12, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 19});
    events.push(("response.completed", json!({"type": "response.completed", "response": {"id": id, "model": model, "status": "completed", "output": output, "usage": usage}})));
    for (sequence, (_, data)) in events.iter_mut().enumerate() {
        data["sequence_number"] = json!(sequence);
    }
    events
}

pub(super) fn error_body(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", "invalid_api_key"),
        404 => ("invalid_request_error", "model_not_found"),
        429 => ("requests", "rate_limit_exceeded"),
        500.. => ("server_error", "server_error"),
        _ => ("invalid_request_error", "invalid_value"),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
