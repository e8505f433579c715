//! Gemini `streamGenerateContent`, Developer API.

use serde_json::{Value, json};

use super::Call;
use super::anthropic::pieces;
use super::call::{items, text};

pub(super) fn violations(call: &Call) -> Vec<String> {
    let mut found = Vec::new();
    if call.header("x-goog-api-key").is_empty() {
        found.push("no credential".into());
    }
    if call.path.contains("key=") {
        found.push("a key in the address".into());
    }
    if !call.path.starts_with("/v1beta/models/") || !call.path.ends_with(":streamGenerateContent?alt=sse") {
        found.push(format!("path {}", call.path));
    }
    let mut asked = 0;
    for (n, turn) in call.turns().iter().enumerate() {
        let role = if n % 2 == 0 { "user" } else { "model" };
        if turn["role"] != role {
            found.push(format!("turn {n} is not {role}"));
        }
        let parts = items(&turn["parts"]);
        if parts.is_empty() {
            found.push(format!("turn {n} has no parts"));
        }
        let responses: Vec<&Value> = parts.iter().filter_map(|part| part.get("functionResponse")).collect();
        if role == "user" && responses.len() != asked {
            found.push(format!("turn {n} answers {} of {asked} calls", responses.len()));
        }
        if responses
            .iter()
            .any(|response| !response["response"].is_object() || text(&response["name"]).is_empty())
        {
            found.push(format!("turn {n} has a response that is not a named object"));
        }
        let calls: Vec<&Value> = parts.iter().filter(|part| part.get("functionCall").is_some()).collect();
        if calls.first().is_some_and(|first| first.get("thoughtSignature").is_none()) {
            found.push(format!("turn {n} misses a thought_signature"));
        }
        asked = calls.len();
    }
    if call.turns().len().is_multiple_of(2) {
        found.push("the last turn is not the user's".into());
    }
    found
}

pub(super) fn events(
    model: &str,
    reply: Option<&str>,
    tools: &[(String, Value)],
    nth: usize,
) -> Vec<(&'static str, Value)> {
    let usage = json!({"promptTokenCount": 12, "candidatesTokenCount": 7, "totalTokenCount": 19});
    let chunk = |parts: Value, finish: Option<&str>| {
        let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        (
            "",
            json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": format!("r{nth}")}),
        )
    };
    let mut events: Vec<_> = reply
        .map(pieces)
        .unwrap_or_default()
        .into_iter()
        .map(|piece| chunk(json!([{"text": piece}]), None))
        .collect();
    if !tools.is_empty() {
        let calls = tools.iter().enumerate().map(|(index, (name, arguments))| {
            let mut part =
                json!({"functionCall": {"id": format!("fc_{nth}_{index}"), "name": name, "args": arguments}});
            if index == 0 {
                part["thoughtSignature"] = json!(format!("c2ln{nth}"));
            }
            part
        });
        events.push(chunk(calls.collect(), None));
    }
    events.push(chunk(json!([{"text": ""}]), Some("STOP")));
    events
}

pub(super) fn error_body(status: u16, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}
