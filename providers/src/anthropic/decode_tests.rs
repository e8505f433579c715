use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::decode::testing::{arguments, cut, decode_pieces, echo, finished};

const THINKING_AND_TWO_TOOLS: &str = include_str!("fixtures/thinking_and_two_tools.sse");
const MODEL: &str = "claude-opus-5-5";

fn decoder() -> MessagesDecoder {
    MessagesDecoder::new(ModelId::new(MODEL), Some("req_1".to_owned()))
}

fn sse(events: &[Value]) -> String {
    events.iter().fold(String::new(), |text, event| {
        let name = event["type"].as_str().unwrap();
        format!("{text}event: {name}\ndata: {event}\n\n")
    })
}

/// The reply that these events end in, between a usual start and end.
fn reply_of(events: &[Value]) -> ChatReply {
    let start = json!({"type": "message_start", "message": {"model": MODEL, "usage": {"input_tokens": 3}}});
    let all: Vec<Value> =
        [start].into_iter().chain(events.iter().cloned()).chain([json!({"type": "message_stop"})]).collect();
    finished(decoder(), &sse(&all))
}

fn failure_of(events: &[Value]) -> ProviderError {
    decode_pieces(decoder(), [sse(events).as_bytes()]).1.expect("the stream fails")
}

fn text_block(index: usize, text: &str) -> [Value; 3] {
    [
        json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": index}),
    ]
}

fn tool_block(index: usize, id: &str, pieces: &[&str]) -> Vec<Value> {
    let block = json!({"type": "tool_use", "id": id, "name": "Read"});
    let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": block})];
    events.extend(pieces.iter().map(|piece| {
        let delta = json!({"type": "input_json_delta", "partial_json": piece});
        json!({"type": "content_block_delta", "index": index, "delta": delta})
    }));
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn stop(reason: &Value) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
}

#[test]
fn a_whole_reply_gives_its_events_parts_usage_and_exact_echo() {
    let (events, error) = decode_pieces(decoder(), [THINKING_AND_TWO_TOOLS.as_bytes()]);
    assert_eq!(error, None);
    insta::assert_debug_snapshot!(events);
}

#[test]
fn blocks_are_echoed_byte_for_byte() {
    let reply = finished(decoder(), THINKING_AND_TWO_TOOLS);
    assert_eq!(
        echo(&reply),
        [
            r#"{"type":"thinking","thinking":"Two files. \"Both\" – now.","signature":"EqQBCgIYAhIM+/=="}"#,
            r#"{"type":"redacted_thinking","data":"EmwKAhgB/+=="}"#,
            r#"{"type":"text","text":"I read both 😀."}"#,
            r#"{"type":"tool_use","id":"toolu_01A","name":"Read","input":{"file_path": "/a/b.rs", "limit": 1.0}}"#,
            r#"{"type":"tool_use","id":"toolu_01B","name":"Glob","input":{}}"#,
        ]
    );
}

#[test]
fn empty_arguments_are_an_empty_object_and_an_absent_input_is_tolerated() {
    let reply = reply_of(&tool_block(0, "toolu_1", &[""]));
    assert_eq!(arguments(&reply), ["{}"]);
    assert_eq!(echo(&reply), [r#"{"id":"toolu_1","name":"Read","type":"tool_use","input":{}}"#]);
}

#[test]
fn invalid_arguments_reach_the_agent_as_written_and_are_echoed_as_an_object() {
    let reply = reply_of(&tool_block(0, "toolu_1", &["{\"a\": ", "tru"]));
    assert_eq!(arguments(&reply), ["{\"a\": tru"]);
    assert_eq!(echo(&reply), [r#"{"id":"toolu_1","name":"Read","type":"tool_use","input":{}}"#]);
}

#[test]
fn every_stop_reason_has_its_normal_form() {
    let refusal = json!({"type": "message_delta", "delta": {
        "stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "cyber", "explanation": "x"},
    }});
    assert_eq!(reply_of(&[refusal]).stop, StopReason::Refused { category: Some("cyber".to_owned()) });
    let cases = [
        (json!("end_turn"), StopReason::EndTurn),
        (json!("tool_use"), StopReason::ToolUse),
        (json!("max_tokens"), StopReason::MaxTokens),
        (json!("stop_sequence"), StopReason::StopSequence),
        (json!("pause_turn"), StopReason::Pause),
        (json!("refusal"), StopReason::Refused { category: None }),
        (json!("model_context_window_exceeded"), StopReason::ContextWindowFull),
        (json!("tired"), StopReason::Other("tired".to_owned())),
        (json!(null), StopReason::EndTurn),
    ];
    for (reason, expected) in cases {
        assert_eq!(reply_of(&[stop(&reason)]).stop, expected);
    }
}

#[test]
fn a_tool_call_counts_even_if_the_server_says_end_turn() {
    let events = [tool_block(0, "toolu_1", &["{}"]), vec![stop(&json!("end_turn"))]].concat();
    assert_eq!(reply_of(&events).stop, StopReason::ToolUse);
}

#[test]
fn what_this_version_does_not_know_is_tolerated_and_unknown_blocks_are_echoed() {
    let mut events = vec![
        json!({"type": "ping"}),
        json!({"type": "weather_report", "index": 99}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "hologram", "x": [1, {"y": 2.50}]}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "photon_delta", "z": 1}}),
        json!({"type": "content_block_stop", "index": 0}),
    ];
    events.extend(text_block(1, "hi"));
    let reply = reply_of(&events);
    assert_eq!(echo(&reply), [r#"{"type":"hologram","x":[1,{"y":2.5}]}"#, r#"{"text":"hi","type":"text"}"#]);
    assert_eq!(reply.turn.last_text(), Some("hi"));
}

#[test]
fn a_text_of_white_space_is_not_kept_because_the_server_refuses_it_back() {
    let reply = reply_of(&text_block(0, "\n\n"));
    assert!(reply.turn.parts.is_empty() && echo(&reply).is_empty());
}

#[test]
fn citations_are_echoed_with_their_text() {
    let [start, delta, end] = text_block(0, "cited");
    let citation = json!({"type": "content_block_delta", "index": 0,
        "delta": {"type": "citations_delta", "citation": {"type": "char_location", "start": 1}}});
    let reply = reply_of(&[start, citation, delta, end]);
    assert_eq!(
        echo(&reply),
        [r#"{"text":"cited","type":"text","citations":[{"start":1,"type":"char_location"}]}"#]
    );
}

#[test]
fn blocks_may_overlap_but_not_repeat_skip_or_continue_after_their_end() {
    // llama-server stops all blocks at the end.
    let [a, b] = [tool_block(0, "toolu_1", &["{}"]), tool_block(1, "toolu_2", &["{}"])];
    let overlapping: Vec<Value> = [&a[..2], &b[..2], &a[2..], &b[2..]].concat();
    assert_eq!(arguments(&reply_of(&overlapping)), ["{}", "{}"]);

    let again = [a.clone(), a.clone()].concat();
    let skipped = tool_block(1, "toolu_1", &["{}"]);
    let after_stop = [a.clone(), a[1..2].to_vec()].concat();
    let before_start = a[1..].to_vec();
    let same_id = [a.clone(), tool_block(1, "toolu_1", &["{}"])].concat();
    for broken in [again, skipped, after_stop, before_start, same_id] {
        assert!(matches!(failure_of(&broken), ProviderError::Protocol { .. }), "{broken:?}");
    }
}

#[test]
fn a_reply_without_its_terminal_event_is_broken_whatever_came_before() {
    let complete: Vec<&str> = THINKING_AND_TWO_TOOLS.split_inclusive("\n\n").collect();
    for kept in 0..complete.len() - 1 {
        let (_, error) = decode_pieces(decoder(), [complete[..kept].concat().as_bytes()]);
        assert!(matches!(error, Some(ProviderError::BrokenStream { .. })), "after {kept} events: {error:?}");
    }
}

#[test]
fn an_error_event_after_the_status_200_is_typed_and_keeps_the_text_before_it() {
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let body = sse(&[&text_block(0, "so far")[..2], &[overloaded]].concat());
    let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
    assert!(matches!(&events[2], ChatEvent::Text(text) if text == "so far"));
    assert_eq!(error, Some(ProviderError::Overloaded { retry_after: None, detail: "Overloaded".to_owned() }));
}

#[test]
fn events_that_are_no_json_are_a_protocol_error() {
    let (_, error) = decode_pieces(decoder(), [b"data: <html>\n\n".as_slice()]);
    assert!(matches!(error, Some(ProviderError::Protocol { .. })));
}

#[test]
fn usage_is_cumulative_and_cache_counts_stand_beside_the_input() {
    let start = json!({"type": "message_start", "message": {"usage": {
        "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 900,
        "cache_creation_input_tokens": 300, "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    }}});
    let first = json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}});
    let last = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9, "input_tokens": 12}});
    let reply = finished(decoder(), &sse(&[start, first, last, json!({"type": "message_stop"})]));
    let expected = TokenUsage {
        input_tokens: 12,
        output_tokens: 9,
        cache_read_tokens: 900,
        cache_write_tokens: 300,
        cache_write_1h_tokens: 100,
    };
    assert_eq!((reply.usage, reply.usage_estimated), (expected, false));
}

#[test]
fn a_server_without_usage_is_marked_as_estimated() {
    let body = sse(&[json!({"type": "message_start", "message": {}}), json!({"type": "message_stop"})]);
    assert!(finished(decoder(), &body).usage_estimated);
}

#[test]
fn a_reply_as_one_document_gives_the_same_as_a_stream() {
    let message = r#"{"type":"message","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"s"},
        {"type":"text","text":"Reading."},{"type":"tool_use","id":"toolu_1","name":"Read","input":{"n": 1.0}}],
        "stop_reason":"tool_use","usage":{"input_tokens":4,"output_tokens":5}}"#;
    let event = SseEvent { event: None, data: message.to_owned() };
    let mut decoder = MessagesDecoder::new(ModelId::new(MODEL), None);
    let mut out = VecDeque::new();
    decoder.on_event(event, &mut out).unwrap();
    let Some(ChatEvent::Finished(reply)) = out.pop_back() else { panic!("no end in {out:?}") };
    assert_eq!(arguments(&reply), [r#"{"n": 1.0}"#]);
    assert_eq!(echo(&reply)[0], r#"{"type":"thinking","thinking":"hm","signature":"s"}"#);
    assert_eq!((reply.stop, reply.usage.total_tokens()), (StopReason::ToolUse, 9));
    assert_eq!(out.len(), 3);
}

proptest! {
    #[test]
    fn any_chunking_of_a_recorded_reply_decodes_to_the_same(
        cuts in prop::collection::vec(0..THINKING_AND_TWO_TOOLS.len(), 0..60),
    ) {
        let (whole, pieces) = (cut(THINKING_AND_TWO_TOOLS, vec![]), cut(THINKING_AND_TWO_TOOLS, cuts));
        let [whole, pieces] = [whole, pieces].map(|pieces| format!("{:?}", decode_pieces(decoder(), pieces)));
        prop_assert_eq!(pieces, whole);
    }
}

#[test]
fn what_the_server_searched_for_is_counted_listed_and_echoed() {
    let page = |n: u32| json!({"type": "web_search_result", "title": format!("Page {n}"), "url": format!("https://a.example/{n}"), "encrypted_content": "x"});
    let asks = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}});
    let found =
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [page(1), page(2)]});
    let mut events = Vec::new();
    for (index, block) in [&asks, &found].into_iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.extend(text_block(2, "So it is."));
    let usage = json!({"output_tokens": 7, "server_tool_use": {"web_search_requests": 2}});
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": usage}));
    let reply = reply_of(&events);
    let urls: Vec<_> = reply.search.hits.iter().map(|hit| (&*hit.title, &*hit.url)).collect();
    assert_eq!(urls, [("Page 1", "https://a.example/1"), ("Page 2", "https://a.example/2")]);
    assert_eq!((reply.search.requests, reply.stop), (2, StopReason::Pause));
    assert_eq!(reply.turn.last_text(), Some("So it is."));
    let echoed: Value = serde_json::from_str(reply.turn.state.unwrap().items[1].get()).unwrap();
    assert_eq!(echoed, found);
}

#[test]
fn a_search_that_failed_says_why() {
    let failed = json!({"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"});
    let block = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": failed});
    let start = json!({"type": "content_block_start", "index": 0, "content_block": block});
    let reply =
        reply_of(&[start, json!({"type": "content_block_stop", "index": 0}), stop(&json!("end_turn"))]);
    assert_eq!(reply.search.failure.as_deref(), Some("max_uses_exceeded"));
}
