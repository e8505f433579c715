//! Web searches that a provider makes itself: how they are asked for, and what comes back.

use serde_json::{Value, json};

use super::call::{items, text};
use super::{Call, Format};

impl Call {
    /// The provider's own search in the list of tools, if it is asked for.
    pub fn own_search(&self) -> Option<&Value> {
        let is_search = |tool: &&Value| match self.format {
            Format::Anthropic => tool["type"] == "web_search_20250305",
            Format::OpenAi => tool["type"] == "web_search",
            Format::OpenAiChat => false,
            Format::Gemini => tool.get("googleSearch").is_some(),
        };
        items(&self.body["tools"]).iter().find(is_search)
    }
}

/// What the vendor would refuse.
pub(super) fn violations(call: &Call) -> Vec<String> {
    let Some(search) = call.own_search() else { return Vec::new() };
    let mut found = Vec::new();
    let keys: Vec<&str> = search.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let known: &[&str] = match call.format {
        Format::Anthropic => &["type", "name", "max_uses", "allowed_domains", "blocked_domains"],
        Format::OpenAi => &["type", "filters"],
        Format::OpenAiChat => &[],
        Format::Gemini => &["googleSearch"],
    };
    if keys.iter().any(|key| !known.contains(key)) {
        found.push(format!("a search with {keys:?}"));
    }
    let domains = ["allowed_domains", "blocked_domains"];
    if domains.iter().all(|list| search.get(list).is_some()) {
        found.push("a search with both lists of domains".into());
    }
    if call.format == Format::Anthropic && search["name"] != "web_search" {
        found.push("a search without its name".into());
    }
    if call.format == Format::Gemini && items(&call.body["tools"]).len() != 1 {
        found.push("a search beside functions".into());
    }
    found
}

/// The stream of an answer that was searched for.
pub(super) fn events(
    call: &Call,
    pages: &[(String, String)],
    reply: &str,
    pauses: bool,
) -> Vec<(&'static str, Value)> {
    match call.format {
        Format::Anthropic => anthropic(call, pages, reply, pauses),
        Format::OpenAi => openai(call, pages, reply),
        Format::OpenAiChat => Vec::new(),
        Format::Gemini => gemini(call, pages, reply),
    }
}

fn anthropic(
    call: &Call,
    pages: &[(String, String)],
    reply: &str,
    pauses: bool,
) -> Vec<(&'static str, Value)> {
    let usage = json!({"input_tokens": 12, "output_tokens": 1});
    let message = json!({"id": format!("msg_{}", call.nth), "type": "message", "role": "assistant", "model": call.model(),
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    let id = format!("srvtoolu_{}", call.nth);
    let result = |(title, url): &(String, String)| json!({"type": "web_search_result", "title": title, "url": url, "encrypted_content": "c2VjcmV0", "page_age": null});
    let results: Vec<Value> = pages.iter().map(result).collect();
    let asked = json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": id, "content": results});
    let mut blocks = vec![
        (asked, Some(json!({"type": "input_json_delta", "partial_json": "{\"query\": \"q\"}"}))),
        (found, None),
    ];
    for piece in halves(reply) {
        blocks
            .push((json!({"type": "text", "text": ""}), Some(json!({"type": "text_delta", "text": piece}))));
    }
    let mut events = vec![("message_start", json!({"type": "message_start", "message": message}))];
    for (index, (block, delta)) in blocks.into_iter().enumerate() {
        events.push((
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        events.extend(delta.map(|delta| {
            ("content_block_delta", json!({"type": "content_block_delta", "index": index, "delta": delta}))
        }));
        events.push(("content_block_stop", json!({"type": "content_block_stop", "index": index})));
    }
    let stop = if pauses { "pause_turn" } else { "end_turn" };
    let usage =
        json!({"output_tokens": 7, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}});
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    events.push(("message_delta", json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push(("message_stop", json!({"type": "message_stop"})));
    events
}

fn openai(call: &Call, pages: &[(String, String)], reply: &str) -> Vec<(&'static str, Value)> {
    let sources: Vec<Value> = pages.iter().map(|(_, url)| json!({"type": "url", "url": url})).collect();
    let action = json!({"type": "search", "query": "q", "queries": ["q"], "sources": sources});
    let searched = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action});
    let cites = pages.iter().map(|(title, url)| json!({"type": "url_citation", "title": title, "url": url, "start_index": 0, "end_index": 1}));
    let content = json!({"type": "output_text", "text": reply, "annotations": cites.collect::<Vec<_>>(), "logprobs": []});
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [content]});
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "model": call.model(), "status": status, "output": output,
            "usage": {"input_tokens": 12, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 19}})
    };
    let done = |index: usize, item: &Value| {
        let data = json!({"type": "response.output_item.done", "output_index": index, "item": item});
        ("response.output_item.done", data)
    };
    let created = json!({"type": "response.created", "response": response("in_progress", json!([]))});
    let searching =
        json!({"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 0});
    let completed =
        json!({"type": "response.completed", "response": response("completed", json!([searched, message]))});
    vec![
        ("response.created", created),
        ("response.web_search_call.searching", searching),
        done(0, &searched),
        done(1, &message),
        ("response.completed", completed),
    ]
}

fn gemini(call: &Call, pages: &[(String, String)], reply: &str) -> Vec<(&'static str, Value)> {
    let chunks: Vec<Value> =
        pages.iter().map(|(title, url)| json!({"web": {"uri": url, "title": title}})).collect();
    let usage = json!({"promptTokenCount": 12, "candidatesTokenCount": 7, "totalTokenCount": 19});
    let chunk = |parts: Value, more: Value| {
        let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
        if let (Some(candidate), Some(more)) = (candidate.as_object_mut(), more.as_object()) {
            candidate.extend(more.clone());
        }
        let data = json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": call.model()});
        ("", data)
    };
    let mut events: Vec<_> =
        halves(reply).into_iter().map(|piece| chunk(json!([{"text": piece}]), json!({}))).collect();
    let grounding = json!({"webSearchQueries": ["q"], "groundingChunks": chunks});
    let last = json!({"finishReason": "STOP", "groundingMetadata": grounding});
    events.push(chunk(json!([{"text": ""}]), last));
    events
}

/// A text in two pieces, cut at a blank.
fn halves(reply: &str) -> Vec<String> {
    match reply.split_once(' ') {
        Some((first, rest)) => vec![format!("{first} "), rest.to_owned()],
        None => vec![text(&json!(reply))],
    }
}
