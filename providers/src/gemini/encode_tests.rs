use std::sync::Arc;

use codex_task_config::{Effort, MediaType};
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::{
    assistant, assistant_of, call, failure, request, result, results, seen, text, tool, user,
};
use crate::gemini::FORMAT;
use crate::http::json_body;
use crate::{AssistantPart, Message, OutputSchema, ToolSpec, UserPart, WebSearch};

const MODEL: &str = "gemini-4-argon";
const THOUGHT: &str = r#"{"text":"Hm.","thought":true}"#;
const CALL: &str =
    r#"{"functionCall":{"id":"a1","name":"Read","args":{"n": 1.0}},"thoughtSignature":"Eq+/ww=="}"#;
const SECOND_CALL: &str = r#"{"functionCall":{"name":"Read","args":{}}}"#;

/// A turn that `model` thought about before it called two tools; the second call came without an id.
fn thoughtful(model: &str) -> Message {
    let calls = vec![call("a1", r#"{"n": 1.0}"#), call("call_r1_1", "{}")];
    assistant_of(FORMAT, model, calls, &[THOUGHT, CALL, SECOND_CALL])
}

fn body(request: &ChatRequest) -> String {
    String::from_utf8(json_body(&to_wire(request, /*attachments*/ None)).unwrap().to_vec()).unwrap()
}

fn json_of(request: &ChatRequest) -> Value {
    serde_json::from_str(&body(request)).unwrap()
}

fn output(schema: Value) -> OutputSchema {
    OutputSchema { name: "review".into(), schema: Arc::new(schema) }
}

#[test]
fn a_conversation_with_tools_is_written_in_full() {
    let conversation = ChatRequest {
        effort: Some(Effort::High),
        temperature: Some(0.5),
        output: Some(output(json!({"type": "object", "properties": {"score": {"type": "integer"}}}))),
        ..request(
            MODEL,
            vec![
                user("Review a.rs."),
                thoughtful(MODEL),
                results(vec![
                    UserPart::Text { text: "Go on.".into() },
                    result("a1", "fn main() {}"),
                    result("call_r1_1", ""),
                ]),
                assistant(vec![text("Done."), call("call_2", ""), call("call_3", "{}")]),
                results(vec![failure("call_2", "No such file."), result("call_3", "x")]),
            ],
        )
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_of(&conversation)).unwrap());
}

#[test]
fn parts_are_echoed_byte_for_byte_to_their_model_and_stripped_for_another() {
    let conversation = |model: &str| {
        let answers = results(vec![result("a1", "x"), result("call_r1_1", "y")]);
        body(&request(model, vec![user("Hi."), thoughtful(MODEL), answers]))
    };
    assert!(conversation(MODEL).contains(&format!(r#""parts":[{THOUGHT},{CALL},{SECOND_CALL}]"#)));
    let stripped = conversation("gemini-3.8-flash");
    let calls = r#""parts":[{"functionCall":{"name":"Read","args":{"n": 1.0}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"name":"Read","args":{}}}]"#;
    assert!(
        stripped.contains(calls) && !stripped.contains("Eq+/ww==") && !stripped.contains("a1"),
        "{stripped}"
    );
}

#[test]
fn the_placeholder_is_for_models_that_want_a_signature() {
    let foreign = |model: &str| {
        let turns =
            vec![user("Hi."), assistant(vec![call("toolu_1", "{}")]), results(vec![result("toolu_1", "x")])];
        body(&request(model, turns)).contains("thoughtSignature")
    };
    assert!(foreign(MODEL) && foreign("gemini-flash-latest"));
    assert!(!foreign("gemini-2.5-pro") && !foreign("gemma-3-27b-it"));
}

#[test]
fn results_go_back_in_the_order_of_their_calls_with_the_ids_that_the_server_gave() {
    let turns = vec![
        user("Hi."),
        thoughtful(MODEL),
        results(vec![
            result("call_r1_1", "second"),
            UserPart::Text { text: "later".into() },
            result("a1", "first"),
        ]),
        user("and this"),
    ];
    let contents = json_of(&request(MODEL, turns))["contents"].take();
    let answer = |text: &str| json!({"name": "Read", "response": {"output": text}});
    let mut first = answer("first");
    first["id"] = json!("a1");
    assert_eq!(
        contents[2],
        json!({"role": "user", "parts": [{"functionResponse": first}, {"functionResponse": answer("second")}]})
    );
    assert_eq!(contents[3], json!({"role": "user", "parts": [{"text": "later"}, {"text": "and this"}]}));
    assert_eq!(contents.as_array().unwrap().len(), 4);
}

#[test]
fn a_failed_tool_is_an_error_object_and_never_silent() {
    let turns = vec![
        user("a"),
        assistant(vec![call("c1", "{}"), call("c2", "{}")]),
        results(vec![failure("c1", "No such file."), failure("c2", " ")]),
    ];
    let contents = json_of(&request(MODEL, turns))["contents"].take();
    let response = |index: usize| &contents[2]["parts"][index]["functionResponse"]["response"];
    assert_eq!(response(0), &json!({"error": "No such file."}));
    assert_eq!(response(1), &json!({"error": "(the tool failed without a message)"}));
}

#[test]
fn names_that_the_server_refuses_are_rewritten_alike_in_call_and_result() {
    let made_up = AssistantPart::ToolCall(crate::ToolCall {
        id: "c".into(),
        name: "Read file!".into(),
        arguments: "{\"a\": tru".into(),
    });
    let turns = vec![user("Hi."), assistant(vec![made_up]), results(vec![result("c", "x")])];
    let contents = json_of(&request(MODEL, turns))["contents"].take();
    let call = &contents[1]["parts"][0]["functionCall"];
    assert_eq!(call, &json!({"name": "Read_file_", "args": {}}));
    assert_eq!(contents[2]["parts"][0]["functionResponse"]["name"], "Read_file_");
}

#[test]
fn turns_that_say_nothing_are_left_out_and_neighbours_are_joined() {
    let turns = vec![
        user("a"),
        assistant(vec![text(" \n")]),
        user("b"),
        results(vec![]),
        user(" "),
        assistant(vec![text("c")]),
    ];
    let contents = json_of(&request(MODEL, turns))["contents"].take();
    assert_eq!(
        contents,
        json!([
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
        ])
    );
}

#[test]
fn the_bytes_before_the_conversation_do_not_depend_on_the_order_of_tools_or_the_task() {
    let prefix = |tools: [ToolSpec; 2], task: &str| {
        let request = ChatRequest { tools: Arc::new(tools), ..request(MODEL, vec![user(task)]) };
        body(&request).split_once(r#""contents":"#).unwrap().0.to_owned()
    };
    assert_eq!(prefix([tool("Read"), tool("Grep")], "a"), prefix([tool("Grep"), tool("Read")], "b"));
}

#[test]
fn a_schema_goes_out_beside_tools_only_where_the_model_takes_both() {
    let asked = |model: &str| ChatRequest {
        output: Some(output(json!({"type": "object", "$schema": "x"}))),
        ..request(model, vec![user("x")])
    };
    let config = json_of(&asked(MODEL))["generationConfig"].take();
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"], json!({"type": "object"}));

    let older = asked("gemini-2.5-pro");
    assert_eq!(json_of(&older)["generationConfig"].get("responseMimeType"), None);
    let [sentence] = dropped(&older).try_into().unwrap();
    assert!(sentence.starts_with("the schema of the answer is not accepted by gemini-2.5-pro"), "{sentence}");
    let without_tools = ChatRequest { tools: Arc::new([]), ..older };
    assert!(json_of(&without_tools)["generationConfig"].get("responseMimeType").is_some());
    assert!(dropped(&without_tools).is_empty());
}

#[test]
fn a_plain_request_has_no_optional_keys() {
    let plain = ChatRequest {
        tools: Arc::new([]),
        system: " ".into(),
        max_output_tokens: None,
        ..request("gemma-3-27b-it", vec![user("x")])
    };
    let wire = json_of(&plain);
    let keys: Vec<&String> = wire.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["contents"]);
    assert!(dropped(&plain).is_empty());
}

#[test]
fn what_the_model_does_not_accept_is_left_out_with_a_sentence() {
    let asked = |model: &str| ChatRequest {
        temperature: Some(2.5),
        effort: Some(Effort::Max),
        max_output_tokens: Some(500_000),
        ..request(model, vec![user("x")])
    };
    assert_eq!(
        dropped(&asked("gemini-3.8-flash")),
        [
            "temperature is not accepted by gemini-3.8-flash and was left out",
            "effort max is not known to gemini-3.8-flash; high was sent",
            "max_tokens 500000 is more than gemini-3.8-flash can; 65536 was sent",
        ]
    );
    let config = json_of(&asked("gemini-3.8-flash"))["generationConfig"].take();
    let thinking = json!({"includeThoughts": true, "thinkingLevel": "HIGH"});
    assert_eq!(config, json!({"maxOutputTokens": 65_536, "thinkingConfig": thinking}));

    assert_eq!(
        dropped(&asked("gemma-3-27b-it")),
        [
            "temperature 2.5 is more than gemma-3-27b-it accepts; 2 was sent",
            "effort is not accepted by gemma-3-27b-it and was left out",
        ]
    );
    let config = json_of(&asked("gemma-3-27b-it"))["generationConfig"].take();
    assert_eq!(config, json!({"maxOutputTokens": 500_000, "temperature": 2.0}));
}

#[test]
fn an_effort_becomes_a_level_or_a_budget_never_both() {
    let thinking = |model: &str, effort: Option<Effort>| {
        let asked = ChatRequest { effort, ..request(model, vec![user("x")]) };
        json_of(&asked)["generationConfig"]["thinkingConfig"].take()
    };
    assert_eq!(thinking(MODEL, None), json!({"includeThoughts": true}));
    assert_eq!(thinking(MODEL, Some(Effort::Low)), json!({"includeThoughts": true, "thinkingLevel": "LOW"}));
    let budget = json!({"includeThoughts": true, "thinkingBudget": 1_024});
    assert_eq!(thinking("gemini-2.5-flash", Some(Effort::Low)), budget);
}

#[test]
fn newer_models_look_at_results_and_older_ones_at_what_stands_behind_them() {
    let conversation = |model: &str| {
        let kinds = [MediaType::Png, MediaType::Gif];
        let shown = seen("1", "Read a.png.", &kinds);
        json_of(&request(model, vec![user("Look."), assistant(vec![call("1", "{}")]), results(vec![shown])]))
    };
    let png = json!({"inlineData": {"mimeType": "image/png", "data": "QUJD"}});
    let new = conversation("gemini-3.8-flash");
    let response = &new["contents"][2]["parts"][0]["functionResponse"];
    assert_eq!(response["parts"], json!([png]));
    let text = response["response"]["output"].as_str().unwrap();
    assert!(text.starts_with("Read a.png.\n[a.gif (image/gif) is not shown"), "{text}");
    let old = conversation("gemini-2.5-flash");
    assert_eq!(old["contents"][2]["parts"][0]["functionResponse"].get("parts"), None);
    let beside = json!([{"text": "a.png, which Read shows:"}, png]);
    assert_eq!(old["contents"][3], json!({"role": "user", "parts": beside}));
}

#[test]
fn the_servers_own_search_is_a_tool_without_settings() {
    let search = Some(WebSearch::default());
    let request = ChatRequest { search, tools: Arc::new([]), ..request(MODEL, vec![user("q")]) };
    assert_eq!(json_of(&request)["tools"], json!([{"googleSearch": {}}]));
}
