use std::sync::Arc;

use codex_task_config::ModelId;
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::{assistant, assistant_of, call, failure, result, results, seen, text, tool, user};
use crate::http::json_body;
use crate::{OutputSchema, ToolSpec};

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { temperature: Some(0.3), ..crate::chat::testing::request("m", messages) }
}

fn style(dialect: ChatDialect) -> Style {
    Style { dialect, context_tokens: None, attachments: None, lessons: Lessons::default() }
}

fn body_in(request: &ChatRequest, style: Style) -> String {
    String::from_utf8(json_body(&to_wire(request, style)).unwrap().to_vec()).unwrap()
}

fn json_in(request: &ChatRequest, style: Style) -> Value {
    serde_json::from_str(&body_in(request, style)).unwrap()
}

fn json_of(request: &ChatRequest) -> Value {
    json_in(request, style(ChatDialect::Compatible))
}

#[test]
fn a_conversation_with_tools_is_written_in_full() {
    let conversation = request(vec![
        user("Review a.rs."),
        assistant(vec![text("I look."), call("call_1", r#"{"n": 1.0}"#), call("call_2", "")]),
        results(vec![
            UserPart::Text { text: "Go on.".into() },
            result("call_1", "fn main() {}"),
            failure("call_2", "no such file"),
        ]),
        assistant(vec![text("Done.")]),
        user("Thanks."),
    ]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json_of(&conversation)).unwrap());
}

#[test]
fn openai_itself_gets_developer_messages_its_own_limit_and_a_cache_key() {
    let wire = json_in(
        &ChatRequest { model: ModelId::new("gpt-4.1"), ..request(vec![user("x")]) },
        style(ChatDialect::OpenAi),
    );
    assert_eq!(wire["messages"][0], json!({"role": "developer", "content": "You review code."}));
    assert_eq!((wire.get("max_tokens"), &wire["max_completion_tokens"]), (None, &json!(4_096)));
    assert_eq!(wire["prompt_cache_key"], "key");
}

#[test]
fn what_a_server_refused_is_no_longer_sent() {
    let lessons = Lessons { without_stream_options: true, other_limit_name: true, ..Lessons::default() };
    let wire = json_in(&request(vec![user("x")]), Style { lessons, ..style(ChatDialect::Compatible) });
    assert_eq!((wire.get("stream_options"), wire.get("max_tokens")), (None, None));
    assert_eq!(wire["max_completion_tokens"], 4_096);
}

#[test]
fn a_plain_request_has_no_optional_keys() {
    let plain = ChatRequest {
        tools: Arc::new([]),
        system: "".into(),
        max_output_tokens: None,
        temperature: None,
        ..request(vec![user("x")])
    };
    let wire = json_of(&plain);
    let keys: Vec<&String> = wire.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["messages", "model", "stream", "stream_options"]);
    assert_eq!(wire["stream_options"], json!({"include_usage": true}));
    assert_eq!(wire["messages"], json!([{"role": "user", "content": "x"}]));
}

#[test]
fn reasoning_is_echoed_byte_for_byte_to_its_model_and_stripped_for_another() {
    let echo = r#"{"role":"assistant","content":"","reasoning_content":"Hm. ","tool_calls":[{"id":"c","type":"function","function":{"name":"Read","arguments":"{\"n\": 1.0}"}}]}"#;
    let turn = assistant_of(FORMAT, "m", vec![call("c", r#"{"n": 1.0}"#)], &[echo]);
    let mut conversation = request(vec![user("Hi."), turn, results(vec![result("c", "x")])]);
    let stripped = echo.replace(r#""reasoning_content":"Hm. ","#, "");
    let seen = body_in(&conversation, style(ChatDialect::Local));
    assert!(seen.contains(echo) && !seen.contains(&stripped), "{seen}");
    conversation.model = ModelId::new("other");
    let seen = body_in(&conversation, style(ChatDialect::Local));
    assert!(seen.contains(&stripped) && !seen.contains("Hm."), "{seen}");
}

#[test]
fn texts_of_one_role_become_one_message_and_silent_turns_none() {
    let conversation = request(vec![
        user("a"),
        assistant(vec![text(" \n")]),
        user("b"),
        results(vec![]),
        assistant(vec![text("c")]),
        assistant(vec![call("call_1", "{}")]),
        results(vec![result("call_1", "x")]),
        user("d"),
    ]);
    let wire = json_of(&conversation);
    let messages: Vec<(&str, &str)> = wire["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["role"].as_str().unwrap(), message["content"].as_str().unwrap()))
        .collect();
    let expected = [
        ("system", "You review code."),
        ("user", "a\n\nb"),
        ("assistant", "c"),
        ("tool", "x"),
        ("user", "d"),
    ];
    assert_eq!(messages, expected);
    assert_eq!(wire["messages"][2]["tool_calls"].as_array().unwrap().len(), 1);
}

#[test]
fn a_failed_tool_says_so_once() {
    let sent = |part: UserPart| {
        let turns = vec![user("x"), assistant(vec![call("c", "{}")]), results(vec![part])];
        json_of(&request(turns))["messages"][3]["content"].as_str().unwrap().to_owned()
    };
    assert_eq!(sent(failure("c", "no such file")), "Error: no such file");
    for said in ["Error: no such file", " error: no", "<tool_use_error>no</tool_use_error>"] {
        assert_eq!(sent(failure("c", said)), said);
    }
    assert_eq!(sent(failure("c", " ")), "Error: (the tool failed without a message)");
    assert_eq!(sent(failure("c", "é")), "Error: é");
    assert_eq!(sent(result("c", "")), "");
}

#[test]
fn arguments_that_are_no_object_become_one() {
    for arguments in ["", "{\"a\": tru", "[1]", "null", "\"x\""] {
        let turns = vec![user("x"), assistant(vec![call("c", arguments)])];
        let sent = json_of(&request(turns))["messages"][2]["tool_calls"][0]["function"]["arguments"].take();
        assert_eq!(sent, "{}", "{arguments}");
    }
}

#[test]
fn structured_output_is_a_format_where_tools_stay_usable_and_words_elsewhere() {
    let schema = json!({"type": "object", "properties": {"score": {"type": "integer"}}});
    let output = Some(OutputSchema { name: "review".into(), schema: Arc::new(schema.clone()) });
    let with_tools = ChatRequest { output, ..request(vec![user("x")]) };
    let without_tools = ChatRequest { tools: Arc::new([]), ..with_tools.clone() };
    let list = Some(OutputSchema { name: "list".into(), schema: Arc::new(json!({"type": "array"})) });
    let of_list = ChatRequest { output: list, ..without_tools.clone() };
    let local = style(ChatDialect::Local);
    let hosted = style(ChatDialect::Compatible);
    let refusing =
        Style { lessons: Lessons { without_response_format: true, ..Lessons::default() }, ..local };
    for (request, style, has_format) in [
        (&with_tools, style(ChatDialect::OpenAi), true),
        (&without_tools, hosted, true),
        (&without_tools, local, true),
        (&with_tools, hosted, false),
        (&with_tools, local, false),
        (&without_tools, refusing, false),
        (&of_list, local, true),
        // OpenAI takes nothing but objects.
        (&of_list, hosted, false),
    ] {
        let wire = json_in(request, style);
        let system = wire["messages"][0]["content"].as_str().unwrap();
        let has_words = system.contains("JSON schema");
        assert_eq!(
            (wire.get("response_format").is_some(), has_words),
            (has_format, !has_format),
            "{style:?}"
        );
        assert!(system.starts_with("You review code."));
    }
    // A grammar is made of the schema as it is; OpenAI wants it closed.
    let sent = |style| json_in(&without_tools, style)["response_format"]["json_schema"].take();
    assert_eq!(sent(local), json!({"name": "review", "schema": schema, "strict": true}));
    let closed = json!(false);
    assert_eq!(sent(hosted)["schema"]["additionalProperties"], closed);
}

#[test]
fn the_bytes_before_the_conversation_do_not_depend_on_the_order_of_tools_or_the_task() {
    let prefix = |tools: [ToolSpec; 2], task: &str| {
        let request = ChatRequest { tools: Arc::new(tools), ..request(vec![user(task)]) };
        body_in(&request, style(ChatDialect::Local)).split_once(r#""role":"user""#).unwrap().0.to_owned()
    };
    assert_eq!(prefix([tool("Read"), tool("Grep")], "a"), prefix([tool("Grep"), tool("Read")], "b"));
}

#[test]
fn what_the_model_does_not_accept_is_left_out_with_a_sentence() {
    let asked = |model: &str| ChatRequest {
        model: ModelId::new(model),
        temperature: Some(2.5),
        effort: Some(Effort::Max),
        max_output_tokens: Some(500_000),
        ..request(vec![user("x")])
    };
    let official = style(ChatDialect::OpenAi);
    assert_eq!(
        dropped(&asked("gpt-5.1"), official),
        [
            "temperature is not accepted by gpt-5.1 and was left out",
            "effort max is not known to gpt-5.1; high was sent",
            "max_tokens 500000 is more than gpt-5.1 can; 128000 was sent",
        ]
    );
    let wire = json_in(&asked("gpt-5.1"), official);
    assert_eq!((wire.get("temperature"), &wire["reasoning_effort"]), (None, &json!("high")));
    assert_eq!(wire["max_completion_tokens"], 128_000);

    assert_eq!(
        dropped(&asked("gpt-4.1"), official),
        [
            "temperature 2.5 is more than gpt-4.1 accepts; 2 was sent",
            "effort is not accepted by gpt-4.1 and was left out",
            "max_tokens 500000 is more than gpt-4.1 can; 32768 was sent",
        ]
    );
    let fits = ChatRequest { effort: Some(Effort::Low), ..request(vec![user("x")]) };
    assert_eq!(dropped(&fits, style(ChatDialect::Local)), Vec::<String>::new());
    assert_eq!(json_in(&fits, style(ChatDialect::Local))["reasoning_effort"], "low");
}

#[test]
fn what_results_show_follows_them_in_a_message_of_the_users() {
    let kinds = [MediaType::Png, MediaType::Pdf];
    let told = UserPart::Text { text: "Go on.".into() };
    let conversation = request(vec![
        user("Look."),
        assistant(vec![call("call_1", "{}"), call("call_2", "{}")]),
        results(vec![seen("call_1", "Read a.png.", &kinds), result("call_2", "text"), told]),
    ]);
    let seeing = Style { attachments: Some(AttachmentSupport::ImagesAndPdfs), ..style(ChatDialect::Local) };
    let json = json_in(&conversation, seeing);
    let expected = json!([
        {"role": "tool", "tool_call_id": "call_1", "content": "Read a.png."},
        {"role": "tool", "tool_call_id": "call_2", "content": "text"},
        {"role": "user", "content": [
            {"type": "text", "text": "a.png, which the call call_1 of Read shows:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            {"type": "text", "text": "a.pdf, which the call call_1 of Read shows:"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
            {"type": "text", "text": "Go on."},
        ]},
    ]);
    assert_eq!(json["messages"].as_array().unwrap()[3..], *expected.as_array().unwrap());
    let blind = json_in(&conversation, style(ChatDialect::Local));
    let text = blind["messages"][3]["content"].as_str().unwrap();
    assert!(text.starts_with("Read a.png.\n[a.png (image/png) is not shown"), "{text}");
    assert_eq!(blind["messages"][5], json!({"role": "user", "content": "Go on."}));
}
