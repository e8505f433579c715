use std::sync::Arc;

use codex_task_config::Effort;
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::{
    assistant, assistant_of, call, failure, request, result, results, seen, text, tool, user,
};
use crate::http::json_body;
use crate::{OutputSchema, ToolSpec, WebSearch};

const MODEL: &str = "gpt-6.1-sol";
const REASONING: &str = r#"{"id":"rs_1","type":"reasoning","encrypted_content":"gAAA+/==","summary":[]}"#;
const CALL: &str = r#"{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"n\": 1.0}","call_id":"call_1","name":"Read"}"#;

/// A turn that `model` reasoned about before it called a tool.
fn thoughtful(model: &str) -> Message {
    assistant_of(FORMAT, model, vec![call("call_1", r#"{"n": 1.0}"#)], &[REASONING, CALL])
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
        output: Some(output(json!({"type": "object", "properties": {"score": {"type": "integer"}}}))),
        ..request(
            MODEL,
            vec![
                user("Review a.rs."),
                thoughtful(MODEL),
                results(vec![UserPart::Text { text: "Go on.".into() }, result("call_1", "fn main() {}")]),
                assistant(vec![text("Done."), call("call_2", ""), call("call_3", "{}")]),
                results(vec![failure("call_2", "No such file."), result("call_3", "")]),
            ],
        )
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_of(&conversation)).unwrap());
}

#[test]
fn reasoning_is_echoed_byte_for_byte_to_its_model_and_stripped_for_another() {
    let conversation = |model: &str| {
        let turns = vec![user("Hi."), thoughtful(MODEL), results(vec![result("call_1", "x")])];
        body(&request(model, turns))
    };
    assert!(conversation(MODEL).contains(&format!("{REASONING},{CALL},")));
    let stripped = conversation("gpt-6-luna");
    assert!(!stripped.contains("rs_1") && !stripped.contains("fc_1"), "{stripped}");
    let call = r#"{"type":"function_call","call_id":"call_1","name":"Read","arguments":"{\"n\": 1.0}"}"#;
    assert!(stripped.contains(call), "{stripped}");
}

#[test]
fn results_come_in_their_order_before_the_texts_of_their_turn() {
    let turns = vec![
        user("a"),
        assistant(vec![call("c1", "{}"), call("c2", "{}")]),
        results(vec![
            UserPart::Text { text: "later".into() },
            result("c1", "1"),
            result("c2", "2"),
            UserPart::Text { text: " ".into() },
        ]),
        user("and this"),
    ];
    let input = json_of(&request(MODEL, turns))["input"].take();
    let shape: Vec<String> = input
        .as_array()
        .unwrap()
        .iter()
        .map(|item| match item["type"].as_str().unwrap() {
            "message" => item["content"].as_array().unwrap().iter().map(|part| &part["text"]).join(),
            other => format!("{other} {}", item["call_id"]),
        })
        .collect();
    let expected = [
        "\"a\"",
        "function_call \"c1\"",
        "function_call \"c2\"",
        "function_call_output \"c1\"",
        "function_call_output \"c2\"",
        "\"later\"+\"and this\"",
    ];
    assert_eq!(shape, expected);
}

trait Join {
    fn join(self) -> String;
}

impl<'a, I: Iterator<Item = &'a Value>> Join for I {
    fn join(self) -> String {
        self.map(Value::to_string).collect::<Vec<_>>().join("+")
    }
}

#[test]
fn a_failed_tool_says_so_in_its_text_once_and_never_silently() {
    let turns = vec![
        user("a"),
        assistant(vec![call("c1", "{}"), call("c2", "{}"), call("c3", "{}")]),
        results(vec![failure("c1", "No such file."), failure("c2", "Error: gone"), failure("c3", " ")]),
    ];
    let input = json_of(&request(MODEL, turns))["input"].take();
    let outputs: Vec<&str> =
        input.as_array().unwrap().iter().filter_map(|item| item["output"].as_str()).collect();
    assert_eq!(
        outputs,
        ["Error: No such file.", "Error: gone", "Error: (the tool failed without a message)"]
    );
}

#[test]
fn ids_and_names_that_the_server_refuses_are_rewritten_alike_in_call_and_result() {
    let long = "x".repeat(65);
    let made_up = AssistantPart::ToolCall(crate::ToolCall {
        id: long.as_str().into(),
        name: "Read file!".into(),
        arguments: "{\"a\": tru".into(),
    });
    let turns = vec![user("Hi."), assistant(vec![made_up]), results(vec![result(&long, "x")])];
    let input = json_of(&request(MODEL, turns))["input"].take();
    assert_eq!(input[1]["call_id"].as_str().unwrap().len(), 37);
    assert_eq!(input[1]["call_id"], input[2]["call_id"]);
    assert_eq!((&input[1]["name"], &input[1]["arguments"]), (&json!("Read_file_"), &json!("{}")));
}

#[test]
fn the_bytes_before_the_conversation_do_not_depend_on_the_order_of_tools_or_the_task() {
    let prefix = |tools: [ToolSpec; 2], task: &str| {
        let request = ChatRequest { tools: Arc::new(tools), ..request(MODEL, vec![user(task)]) };
        body(&request).split_once(r#""input":"#).unwrap().0.to_owned()
    };
    let sorted = prefix([tool("Grep"), tool("Read")], "b");
    assert_eq!(prefix([tool("Read"), tool("Grep")], "a"), sorted);
    assert!(
        sorted.contains(r#""prompt_cache_key":"key""#) && sorted.contains(r#""store":false"#),
        "{sorted}"
    );
}

#[test]
fn a_schema_is_strict_where_it_can_be_and_left_out_with_a_sentence_where_it_is_refused() {
    let asked = |model: &str, schema: Value| ChatRequest {
        output: Some(output(schema)),
        ..request(model, vec![user("x")])
    };
    let strict = json_of(&asked(MODEL, json!({"type": "object", "properties": {"n": {"type": "integer"}}})));
    let expected = json!({"type": "json_schema", "name": "review", "strict": true, "schema": {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": false,
    }});
    assert_eq!(strict["text"]["format"], expected);

    let map = json!({"type": "object", "additionalProperties": {"type": "string", "minLength": 1}});
    let loose = json_of(&asked(MODEL, map.clone()));
    let expected = json!({"type": "json_schema", "name": "review", "strict": false, "schema": map});
    assert_eq!(loose["text"]["format"], expected);

    for refused in [asked(MODEL, json!({"type": "array"})), asked("gpt-5.5-pro", map)] {
        assert_eq!(json_of(&refused).get("text"), None);
        let [sentence] = dropped(&refused).try_into().unwrap();
        assert!(sentence.starts_with("the schema of the answer is not accepted by"), "{sentence}");
    }
}

#[test]
fn a_plain_request_has_no_optional_keys() {
    let plain = ChatRequest {
        tools: Arc::new([]),
        system: " ".into(),
        max_output_tokens: None,
        cache_key: "".into(),
        ..request("local", vec![user("x")])
    };
    let wire = json_of(&plain);
    let keys: Vec<&String> = wire.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["input", "model", "store", "stream"]);
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
        dropped(&asked("gpt-5.5")),
        [
            "temperature is not accepted by gpt-5.5 and was left out",
            "effort max is not known to gpt-5.5; xhigh was sent",
            "max_tokens 500000 is more than gpt-5.5 can; 128000 was sent",
        ]
    );
    let wire = json_of(&asked("gpt-5.5"));
    assert_eq!((wire.get("temperature"), &wire["reasoning"]), (None, &json!({"effort": "xhigh"})));
    assert_eq!(wire["max_output_tokens"], 128_000);
    assert_eq!(wire["include"], json!(["reasoning.encrypted_content"]));

    assert_eq!(
        dropped(&asked("gpt-4.1")),
        [
            "temperature 2.5 is more than gpt-4.1 accepts; 2 was sent",
            "effort is not accepted by gpt-4.1 and was left out",
            "max_tokens 500000 is more than gpt-4.1 can; 32768 was sent",
        ]
    );
    let wire = json_of(&asked("gpt-4.1"));
    assert_eq!(wire["temperature"], 2.0);
    // A model that does not reason refuses to encrypt its reasoning.
    assert_eq!((wire.get("reasoning"), wire.get("include")), (None, None));

    let few = ChatRequest { max_output_tokens: Some(1), ..request(MODEL, vec![user("x")]) };
    assert_eq!(dropped(&few), ["max_tokens 1 is less than gpt-6.1-sol accepts; 16 was sent"]);
}

#[test]
fn parallel_calls_are_asked_for_where_there_are_tools_and_the_model_knows_the_parameter() {
    let parallel =
        |model: &str| json_of(&request(model, vec![user("x")])).get("parallel_tool_calls").cloned();
    assert_eq!(parallel(MODEL), Some(json!(true)));
    assert_eq!(parallel("o3"), None);
    let no_tools = ChatRequest { tools: Arc::new([]), ..request(MODEL, vec![user("x")]) };
    assert_eq!(json_of(&no_tools).get("parallel_tool_calls"), None);
}

#[test]
fn images_and_documents_are_parts_of_the_output_behind_its_text() {
    let conversation = |model: &str| {
        let shown = seen("call_1", "Read a.png.", &[MediaType::Png, MediaType::Pdf]);
        request(model, vec![user("Look."), assistant(vec![call("call_1", "{}")]), results(vec![shown])])
    };
    let json = json_of(&conversation("gpt-5.5"));
    let expected = json!([
        {"type": "input_text", "text": "Read a.png."},
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
    ]);
    assert_eq!(json["input"][2]["output"], expected);
    let blind = json_of(&conversation("some-model"));
    let text = blind["input"][2]["output"].as_str().unwrap();
    assert!(text.starts_with("Read a.png.\n[a.png (image/png) is not shown: some-model"), "{text}");
}

#[test]
fn the_servers_own_search_is_bounded_and_lists_its_sources() {
    let search = Some(WebSearch {
        allowed_domains: ["a.example".to_owned()].into(),
        uses_max: 8,
        ..WebSearch::default()
    });
    let request = ChatRequest { search, tools: Arc::new([]), ..request("gpt-4.1", vec![user("q")]) };
    let json = json_of(&request);
    assert_eq!(json["tools"], json!([{"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}]));
    assert_eq!(json["include"], json!(["web_search_call.action.sources"]));
    assert_eq!((&json["max_tool_calls"], json.get("parallel_tool_calls")), (&json!(8), Some(&json!(true))));
}
