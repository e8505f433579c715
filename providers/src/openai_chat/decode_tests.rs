use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::{tool, user};
use crate::decode::testing;

const TOOL_CALL: &str = include_str!("fixtures/llama_server_tool_call.sse");
const FENCED_CALL: &str = include_str!("fixtures/llama_server_fenced_call.sse");
const MALFORMED: &str = include_str!("fixtures/llama_server_malformed.sse");
const MODEL: &str = "qwen3:8b";

fn request() -> ChatRequest {
    let tools = Arc::new([tool("Read"), tool("Glob")]);
    ChatRequest { tools, ..crate::chat::testing::request(MODEL, vec![user("hi")]) }
}

/// Everything that a stream of this body gives, and the failure that ended it, if one did.
fn decode_pieces<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    dialect: ChatDialect,
) -> (Vec<ChatEvent>, Option<ProviderError>) {
    testing::decode_pieces(CompletionsDecoder::new(&request(), dialect, 400, Arc::default()), pieces)
}

fn sse(chunks: &[Value]) -> String {
    chunks.iter().fold(String::new(), |text, chunk| format!("{text}data: {chunk}\n\n"))
}

fn finished_in(body: &str, dialect: ChatDialect) -> ChatReply {
    testing::finished(CompletionsDecoder::new(&request(), dialect, 400, Arc::default()), body)
}

fn finished(body: &str) -> ChatReply {
    finished_in(body, ChatDialect::Compatible)
}

fn failure(body: &str) -> ProviderError {
    decode_pieces([body.as_bytes()], ChatDialect::Compatible).1.expect("the stream fails")
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn usage(prompt: u64, completion: u64) -> Value {
    json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})
}

/// Ids, names and arguments.
fn calls(reply: &ChatReply) -> Vec<(&str, &str, &str)> {
    reply.turn.tool_calls().map(|call| (&*call.id, &*call.name, call.arguments.as_str())).collect()
}

#[test]
fn a_recorded_tool_call_gives_its_events_parts_and_usage() {
    let (events, error) = decode_pieces([TOOL_CALL.as_bytes()], ChatDialect::Local);
    assert_eq!(error, None);
    insta::assert_debug_snapshot!(events);
}

#[test]
fn a_recorded_call_in_a_fence_is_a_call_on_a_local_server_and_text_elsewhere() {
    let reply = finished_in(FENCED_CALL, ChatDialect::Local);
    let arguments = "{\n    \"file_path\": \"/src/main.rs\"\n  }";
    assert_eq!(calls(&reply), [("call_0", "Read", arguments)]);
    assert_eq!((reply.turn.last_text(), reply.stop), (None, StopReason::ToolUse));

    let reply = finished(FENCED_CALL);
    assert!(calls(&reply).is_empty());
    assert!(reply.turn.last_text().unwrap().starts_with("```json"));
    assert_eq!(reply.stop, StopReason::EndTurn);
}

#[test]
fn a_recorded_answer_that_the_server_could_not_read_is_malformed_and_has_no_calls() {
    let reply = finished_in(MALFORMED, ChatDialect::Local);
    assert_eq!((calls(&reply), &reply.stop), (vec![], &StopReason::Malformed));
    assert!(reply.usage_estimated && reply.usage.output_tokens > 0);
}

#[test]
fn a_thought_in_the_text_of_a_local_model_is_no_part_of_the_answer() {
    let body = sse(&[delta(&json!({"content": "<think>Hm.</think>\n\nYes."})), stop("stop")]);
    assert_eq!(finished_in(&body, ChatDialect::Local).turn.last_text(), Some("Yes."));
    assert_eq!(finished(&body).turn.last_text(), Some("<think>Hm.</think>\n\nYes."));
}

#[test]
fn reasoning_is_heard_and_kept_for_the_server() {
    let body = sse(&[
        delta(&json!({"role": "assistant", "content": null, "reasoning_content": "Hm"})),
        delta(&json!({"reasoning_content": ". "})),
        delta(&json!({"content": "Yes."})),
        stop("stop"),
    ]);
    let (events, _) = decode_pieces([body.as_bytes()], ChatDialect::Compatible);
    let heard: String = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Reasoning(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(heard, "Hm. ");
    let reply = finished(&body);
    let state = reply.turn.state.as_ref().unwrap();
    assert_eq!((&*state.format, state.model.as_str()), (FORMAT, MODEL));
    let echo = r#"{"role":"assistant","content":"Yes.","reasoning_content":"Hm. "}"#;
    assert_eq!(testing::echo(&reply), [echo]);
}

#[test]
fn every_finish_reason_has_its_normal_form() {
    let filtered = Some("content_filter".to_owned());
    let cases = [
        ("stop", StopReason::EndTurn),
        ("eos", StopReason::EndTurn),
        ("tool_calls", StopReason::ToolUse),
        ("function_call", StopReason::ToolUse),
        ("length", StopReason::MaxTokens),
        ("stop_sequence", StopReason::StopSequence),
        ("content_filter", StopReason::Refused { category: filtered }),
        ("model_length", StopReason::ContextWindowFull),
        ("tired", StopReason::Other("tired".to_owned())),
    ];
    for (reason, expected) in cases {
        assert_eq!(finished(&sse(&[stop(reason)])).stop, expected, "{reason}");
    }
    let call =
        json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "Read", "arguments": "{}"}}]});
    assert_eq!(finished(&sse(&[delta(&call), stop("stop")])).stop, StopReason::ToolUse);
    assert_eq!(finished(&sse(&[delta(&call), stop("length")])).stop, StopReason::MaxTokens);
    let refusal = sse(&[delta(&json!({"content": null, "refusal": "I cannot."})), stop("stop")]);
    let reply = finished(&refusal);
    assert_eq!(
        (reply.turn.last_text(), reply.stop),
        (Some("I cannot."), StopReason::Refused { category: None })
    );
}

#[test]
fn the_end_is_a_finish_reason_with_or_without_done() {
    let text = delta(&json!({"content": "Hi"}));
    let with_reason = sse(&[text.clone(), stop("stop")]);
    for body in [
        with_reason.clone(),
        with_reason + "data: [DONE]\n\n",
        sse(std::slice::from_ref(&text)) + "data: [DONE]\n\n",
    ] {
        assert_eq!(finished(&body).turn.last_text(), Some("Hi"));
    }
    // Ollama writes an empty reason, most others null.
    let empty = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": ""}]});
    for body in [String::new(), sse(&[text]), sse(&[empty]), "data: [DONE]\n\n".to_owned()] {
        assert!(matches!(failure(&body), ProviderError::BrokenStream { .. }), "{body}");
    }
    let half =
        json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "Read", "arguments": "{\"a"}}]});
    let cut = sse(&[delta(&half)]) + "data: [DONE]\n\n";
    assert!(matches!(failure(&cut), ProviderError::BrokenStream { .. }));
}

#[test]
fn a_recorded_reply_that_is_cut_before_its_finish_reason_is_broken() {
    let complete: Vec<&str> = TOOL_CALL.split_inclusive("\n\n").collect();
    let reason = complete.iter().position(|event| event.contains(r#""finish_reason":"tool_calls""#)).unwrap();
    for kept in 0..=complete.len() {
        let body = complete[..kept].concat();
        let (_, error) = decode_pieces([body.as_bytes()], ChatDialect::Local);
        let is_broken = matches!(error, Some(ProviderError::BrokenStream { .. }));
        assert_eq!(is_broken, kept <= reason, "after {kept} events: {error:?}");
    }
}

#[test]
fn usage_is_counted_wherever_it_stands_and_estimated_where_it_is_missing() {
    let text = delta(&json!({"content": "12345678"}));
    let mut last = stop("stop");
    last["usage"] = json!({"prompt_tokens": 7, "completion_tokens": 2});
    for body in [
        sse(&[text.clone(), stop("stop"), usage(7, 2)]),
        sse(&[text.clone(), last]),
        // vLLM may count in each chunk.
        sse(&[text.clone(), usage(7, 1), stop("stop"), usage(7, 2)]),
    ] {
        let reply = finished(&body);
        let counted = (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage_estimated);
        assert_eq!(counted, (7, 2, false), "{body}");
    }
    for body in [sse(&[text.clone(), stop("stop")]), sse(&[text, stop("stop"), usage(0, 0)])] {
        let reply = finished(&body);
        let counted = (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage_estimated);
        assert_eq!(counted, (100, 2, true), "{body}");
    }
}

#[test]
fn an_error_after_the_status_200_is_typed_and_keeps_the_text_before_it() {
    let text = sse(&[delta(&json!({"content": "so far"}))]);
    let cases = [
        (r#"data: {"error":{"code":429,"message":"slow down"}}"#, "rate_limited"),
        (
            r#"data: {"error":{"code":502,"message":"x"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            "server_error",
        ),
        (r#"data: {"choices":[{"delta":{},"finish_reason":"error"}]}"#, "server_error"),
        (r#"data: {"choices":[{"error":{"code":503,"message":"x"}}]}"#, "overloaded"),
        (r#"data: {"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#, "overloaded"),
        (r#"data: {"choices":[{"delta":{},"finish_reason":"abort"}]}"#, "broken_stream"),
        // LM Studio.
        (
            "event: error\ndata: {\"error\":{\"message\":\"context length of only 2048 tokens\"}}",
            "context_too_long",
        ),
        ("event: error\ndata: {\"message\":\"x\"}", "server_error"),
        // vLLM.
        (
            r#"data: {"object":"error","message":"bad","type":"BadRequestError","code":400}"#,
            "invalid_request",
        ),
        ("data: <html>", "protocol"),
    ];
    for (event, expected) in cases {
        let body = format!("{text}{event}\n\n");
        let (events, error) = decode_pieces([body.as_bytes()], ChatDialect::Compatible);
        assert!(matches!(&events[1], ChatEvent::Text(text) if text == "so far"));
        assert_eq!(error.map(|error| error.kind()), Some(expected), "{event}");
    }
}

#[test]
fn the_window_that_a_failing_stream_names_is_remembered() {
    let lessons = Arc::<LessonBook>::default();
    let mut decoder = CompletionsDecoder::new(&request(), ChatDialect::Local, 0, Arc::clone(&lessons));
    let data =
        r#"{"error":{"message":"context length of only 2048 tokens, which is not enough"}}"#.to_owned();
    let event = SseEvent { event: Some("error".to_owned()), data };
    assert!(decoder.on_event(event, &mut VecDeque::new()).is_err());
    assert_eq!(lessons.of(&ModelId::new(MODEL)).context_tokens, Some(2_048));
}

#[test]
fn a_reply_as_one_document_gives_the_same_as_a_stream() {
    let message = r#"{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Reading.",
        "reasoning":"Hm.","tool_calls":[{"id":"c","type":"function","function":{"name":"Read","arguments":"{\"n\": 1.0}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":4,"completion_tokens":5}}"#;
    let mut decoder = CompletionsDecoder::new(&request(), ChatDialect::Compatible, 0, Arc::default());
    let mut out = VecDeque::new();
    decoder.on_event(SseEvent { event: None, data: message.to_owned() }, &mut out).unwrap();
    let Some(ChatEvent::Finished(reply)) = out.pop_back() else { panic!("no end in {out:?}") };
    assert_eq!(calls(&reply), [("c", "Read", r#"{"n": 1.0}"#)]);
    assert_eq!((reply.turn.last_text(), &reply.stop), (Some("Reading."), &StopReason::ToolUse));
    assert_eq!((reply.usage.total_tokens(), reply.model), (9, Some(ModelId::new("m"))));
    assert_eq!(out.len(), 4);
}

#[test]
fn what_this_version_does_not_know_is_tolerated() {
    let body = sse(&[
        // Azure begins with this.
        json!({"choices": [], "prompt_filter_results": [{"x": 1}]}),
        json!({"choices": null, "usage": null, "model": null}),
        json!({"object": "weather.report"}),
        delta(&json!({"role": "assistant", "content": null, "tool_calls": null, "hologram": {}})),
        delta(&json!({"content": [{"type": "text", "text": "Hi"}], "reasoning": null, "refusal": null})),
        stop("stop"),
    ]);
    let (events, _) = decode_pieces([body.as_bytes()], ChatDialect::Compatible);
    let activity = events.iter().filter(|event| matches!(event, ChatEvent::Activity { usage: None })).count();
    assert_eq!(activity, 5);
    assert_eq!(finished(&body).turn.last_text(), Some("Hi"));
}

proptest! {
    #[test]
    fn any_chunking_of_a_recorded_reply_decodes_to_the_same(
        cuts in prop::collection::vec(0..TOOL_CALL.len(), 0..60),
    ) {
        let whole = decode_pieces([TOOL_CALL.as_bytes()], ChatDialect::Local);
        let in_pieces = decode_pieces(testing::cut(TOOL_CALL, cuts), ChatDialect::Local);
        prop_assert_eq!(format!("{in_pieces:?}"), format!("{whole:?}"));
    }

    #[test]
    fn no_chunk_is_too_strange(chunk in "\\PC{0,60}", field in 0..6_usize) {
        let names = ["choices", "usage", "error", "model", "object", "x"];
        let strange = format!("data: {{\"{}\":{chunk}}}\n\n", names[field]);
        let (events, error) = decode_pieces([strange.as_bytes()], ChatDialect::Local);
        prop_assert!(error.is_some() || matches!(events.last(), Some(ChatEvent::Finished(_))));
    }
}
