use std::sync::Arc;

use codex_task_config::Effort;
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::{
    assistant, assistant_of, call, failure, request, result, results, seen, text, tool, user,
};
use crate::{OutputSchema, ToolSpec, WebSearch};

/// A turn that `model` thought about before it called a tool.
fn thoughtful(model: &str) -> Message {
    let items = [
        r#"{"type":"thinking","thinking":"","signature":"Eq+/=="}"#,
        r#"{"type":"tool_use","id":"toolu_1","name":"Read","input":{"n": 1.0}}"#,
    ];
    assistant_of(FORMAT, model, vec![call("toolu_1", r#"{"n": 1.0}"#)], &items)
}

fn body(request: &ChatRequest) -> String {
    String::from_utf8(
        crate::http::json_body(&to_wire(request, CacheLifetime::FiveMinutes, /*attachments*/ None))
            .unwrap()
            .to_vec(),
    )
    .unwrap()
}

fn json_of(request: &ChatRequest) -> Value {
    serde_json::from_str(&body(request)).unwrap()
}

#[test]
fn a_conversation_with_tools_is_written_in_full() {
    let conversation = request(
        "claude-opus-5-5",
        vec![
            user("Review a.rs."),
            thoughtful("claude-opus-5-5"),
            results(vec![UserPart::Text { text: "Go on.".into() }, result("toolu_1", "fn main() {}")]),
            assistant(vec![text("Done."), call("toolu_2", "")]),
            results(vec![failure("toolu_2", "")]),
        ],
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_of(&conversation)).unwrap());
}

#[test]
fn reasoning_is_echoed_byte_for_byte_to_its_model_and_stripped_for_another() {
    let conversation = |model: &str| {
        let turns = vec![user("Hi."), thoughtful("claude-opus-5-5"), results(vec![result("toolu_1", "x")])];
        body(&request(model, turns))
    };
    let echoed = r#"{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"Eq+/=="},{"type":"tool_use","id":"toolu_1","name":"Read","input":{"n": 1.0}}]}"#;
    let stripped = r#"{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Read","input":{"n": 1.0}}]}"#;
    assert!(conversation("claude-opus-5-5").contains(echoed));
    assert!(conversation("claude-sonnet-5-5").contains(stripped));
}

#[test]
fn roles_alternate_whatever_the_turns_hold() {
    let silent = assistant(vec![text(" \n")]);
    let conversation = request(
        "m",
        vec![
            user("a"),
            silent,
            user("b"),
            results(vec![]),
            user(" "),
            thoughtful("m"),
            results(vec![UserPart::Text { text: "later".into() }, result("toolu_1", "x")]),
        ],
    );
    let messages = json_of(&conversation)["messages"].take();
    let shape: Vec<(&str, Vec<&str>)> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let content = message["content"].as_array().unwrap();
            let kinds = content.iter().map(|block| block["type"].as_str().unwrap()).collect();
            (message["role"].as_str().unwrap(), kinds)
        })
        .collect();
    let expected = [
        ("user", vec!["text", "text"]),
        ("assistant", vec!["thinking", "tool_use"]),
        ("user", vec!["tool_result", "text"]),
    ];
    assert_eq!(shape, expected);
}

#[test]
fn ids_of_other_vendors_are_rewritten_alike_in_call_and_result() {
    let turns =
        vec![user("Hi."), assistant(vec![call("fc|1:ä", "{}")]), results(vec![result("fc|1:ä", "x")])];
    let messages = json_of(&request("m", turns))["messages"].take();
    assert_eq!(messages[1]["content"][0]["id"], "fc_1__");
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "fc_1__");
}

#[test]
fn arguments_that_are_no_object_become_one() {
    for arguments in ["", "{\"a\": tru", "[1]", "null"] {
        let turns = vec![user("x"), assistant(vec![call("c", arguments)])];
        let messages = json_of(&request("m", turns))["messages"].take();
        assert_eq!(messages[1]["content"][0]["input"], json!({}), "{arguments}");
    }
}

#[test]
fn breakpoints_close_the_prefix_and_the_three_newest_user_turns() {
    let mut turns = vec![user("0")];
    for n in 1..=4 {
        turns.push(assistant(vec![text("ok")]));
        turns.push(user(&n.to_string()));
    }
    let mut request = request("claude-sonnet-5-5", turns);
    let marked = |wire: &Value| {
        let ephemeral = json!({"type": "ephemeral"});
        let messages = wire["messages"].as_array().unwrap();
        let marked = messages.iter().flat_map(|m| m["content"].as_array().unwrap());
        let texts: Vec<String> = marked
            .filter(|block| block["cache_control"] == ephemeral)
            .map(|block| block["text"].as_str().unwrap().to_owned())
            .collect();
        (
            wire["system"][0]["cache_control"] == ephemeral,
            wire["tools"][1]["cache_control"] == ephemeral,
            texts,
        )
    };
    let newest = vec!["2".to_owned(), "3".to_owned(), "4".to_owned()];
    assert_eq!(marked(&json_of(&request)), (true, false, newest.clone()));
    request.system = "".into();
    assert_eq!(marked(&json_of(&request)), (false, true, newest));
    let hour =
        serde_json::to_string(&to_wire(&request, CacheLifetime::OneHour, /*attachments*/ None)).unwrap();
    assert_eq!(hour.matches(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#).count(), 4);
    let off = serde_json::to_string(&to_wire(&request, CacheLifetime::Off, /*attachments*/ None)).unwrap();
    assert!(!off.contains("cache_control"));
}

#[test]
fn the_bytes_before_the_first_breakpoint_do_not_depend_on_the_order_of_tools_or_the_task() {
    let prefix = |tools: [ToolSpec; 2], task: &str| {
        let request =
            ChatRequest { tools: Arc::new(tools), ..request("claude-sonnet-5-5", vec![user(task)]) };
        body(&request).split_once(r#""messages""#).unwrap().0.to_owned()
    };
    assert_eq!(prefix([tool("Read"), tool("Grep")], "a"), prefix([tool("Grep"), tool("Read")], "b"));
}

#[test]
fn structured_output_and_effort_share_one_setting() {
    let schema = json!({"type": "object", "properties": {"score": {"type": "integer", "minimum": 0}}});
    let output = Some(OutputSchema { name: "review".into(), schema: Arc::new(schema) });
    let request =
        ChatRequest { output, effort: Some(Effort::Low), ..request("claude-sonnet-5-5", vec![user("x")]) };
    let expected = json!({"effort": "low", "format": {"type": "json_schema", "schema": {
        "type": "object",
        "properties": {"score": {"type": "integer", "description": "(minimum: 0)"}},
        "additionalProperties": false,
    }}});
    assert_eq!(json_of(&request)["output_config"], expected);
}

#[test]
fn a_plain_request_has_no_optional_keys() {
    let plain = ChatRequest { tools: Arc::new([]), system: "".into(), ..request("m", vec![user("x")]) };
    let wire = json_of(&plain);
    let keys: Vec<&String> = wire.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["max_tokens", "messages", "model", "stream"]);
}

#[test]
fn what_the_model_does_not_accept_is_left_out_with_a_sentence() {
    let asked = |model: &str| ChatRequest {
        temperature: Some(1.5),
        effort: Some(Effort::Xhigh),
        max_output_tokens: Some(500_000),
        ..request(model, vec![user("x")])
    };
    assert_eq!(
        dropped(&asked("claude-haiku-4-5")),
        [
            "temperature 1.5 is more than claude-haiku-4-5 accepts; 1 was sent",
            "effort is not accepted by claude-haiku-4-5 and was left out",
            "max_tokens 500000 is more than claude-haiku-4-5 can; 64000 was sent",
        ]
    );
    let wire = json_of(&asked("claude-haiku-4-5"));
    assert_eq!((&wire["temperature"], &wire["max_tokens"]), (&json!(1.0), &json!(64_000)));
    assert_eq!((wire.get("output_config"), wire.get("thinking")), (None, None));

    assert_eq!(
        dropped(&asked("claude-opus-5-5")),
        [
            "temperature is not accepted by claude-opus-5-5 and was left out",
            "max_tokens 500000 is more than claude-opus-5-5 can; 128000 was sent",
        ]
    );
    let wire = json_of(&asked("claude-opus-5-5"));
    assert_eq!(wire.get("temperature"), None);
    assert_eq!(wire["output_config"], json!({"effort": "xhigh"}));
}

#[test]
fn thinking_is_asked_for_only_where_it_is_known_needed_and_compatible() {
    let thinking = |model: &str, effort: Option<Effort>, temperature: Option<f32>| {
        let request = ChatRequest { temperature, effort, ..request(model, vec![user("x")]) };
        json_of(&request).get("thinking").cloned()
    };
    let adaptive = Some(json!({"type": "adaptive"}));
    let effort = Some(Effort::High);
    assert_eq!(thinking("claude-sonnet-4-6", effort, None), adaptive);
    assert_eq!(thinking("claude-sonnet-4-6", None, None), None);
    assert_eq!(thinking("claude-sonnet-4-6", effort, Some(0.3)), None);
    assert_eq!(thinking("claude-sonnet-5", effort, Some(0.3)), adaptive);
    assert_eq!(thinking("claude-opus-5-5", effort, None), None);
    assert_eq!(thinking("claude-haiku-4-5", effort, None), None);
}

#[test]
fn images_and_documents_stand_in_the_result_behind_its_text() {
    let conversation = |model: &str| {
        let shown = seen("toolu_1", "Read a.png.", &[MediaType::Png, MediaType::Pdf]);
        request(model, vec![user("Look."), assistant(vec![call("toolu_1", "{}")]), results(vec![shown])])
    };
    let json = json_of(&conversation("claude-sonnet-5-5"));
    let expected = json!([
        {"type": "text", "text": "Read a.png."},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "document", "title": "a.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}},
    ]);
    assert_eq!(json["messages"][2]["content"][0]["content"], expected);
    let blind = json_of(&conversation("some-model"));
    let text = blind["messages"][2]["content"][0]["content"].as_str().unwrap();
    assert!(text.starts_with("Read a.png.\n[a.png (image/png) is not shown: some-model"), "{text}");
}

#[test]
fn the_servers_own_search_takes_one_of_the_two_lists() {
    let asked = |allowed: &[&str], blocked: &[&str]| {
        let list = |domains: &[&str]| domains.iter().map(|domain| (*domain).to_owned()).collect();
        let (allowed_domains, blocked_domains) = (list(allowed), list(blocked));
        let search = Some(WebSearch { allowed_domains, blocked_domains, uses_max: 8 });
        let request =
            ChatRequest { search, tools: Arc::new([]), ..request("claude-haiku-5-5", vec![user("q")]) };
        json_of(&request)["tools"].clone()
    };
    let search = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 8});
    assert_eq!(asked(&[], &[]), json!([search]));
    let mut allowed = search.clone();
    allowed["allowed_domains"] = json!(["a.example"]);
    assert_eq!(asked(&["a.example"], &["b.example"]), json!([allowed]));
    let mut blocked = search;
    blocked["blocked_domains"] = json!(["b.example"]);
    assert_eq!(asked(&[], &["b.example"]), json!([blocked]));
}
