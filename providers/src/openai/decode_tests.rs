use codex_task_config::TokenUsage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::decode::testing::{arguments, cut, decode_pieces, echo, finished};

const REASONING_AND_TWO_TOOLS: &str = include_str!("fixtures/reasoning_and_two_tools.sse");
/// Recorded from llama-server b11434: no sequence numbers, no indices.
const LLAMA_SERVER_TOOL_CALL: &str = include_str!("fixtures/llama_server_tool_call.sse");
const MODEL: &str = "gpt-6.1-sol";

fn decoder() -> ResponsesDecoder {
    ResponsesDecoder::new(ModelId::new(MODEL), Some("req_1".to_owned()))
}

fn sse(events: &[Value]) -> String {
    events.iter().fold(String::new(), |text, event| {
        let name = event["type"].as_str().unwrap();
        format!("{text}event: {name}\ndata: {event}\n\n")
    })
}

fn reply_of(events: &[Value]) -> ChatReply {
    finished(decoder(), &sse(events))
}

fn failure_of(events: &[Value]) -> ProviderError {
    decode_pieces(decoder(), [sse(events).as_bytes()]).1.expect("the stream fails")
}

fn done(item: &Value) -> Value {
    json!({"type": "response.output_item.done", "item": item})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "Read", "arguments": arguments})
}

fn end(status: &str) -> Value {
    json!({"type": format!("response.{status}"), "response": {"status": status}})
}

#[test]
fn a_whole_reply_gives_its_events_parts_usage_and_exact_echo() {
    let (events, error) = decode_pieces(decoder(), [REASONING_AND_TWO_TOOLS.as_bytes()]);
    assert_eq!(error, None);
    insta::assert_debug_snapshot!(events);
}

#[test]
fn items_are_echoed_byte_for_byte_as_they_were_when_done() {
    let reply = finished(decoder(), REASONING_AND_TWO_TOOLS);
    assert_eq!(
        echo(&reply),
        [
            r#"{"id":"rs_0a1","type":"reasoning","encrypted_content":"gAAAAABpWhole+/==","summary":[{"type":"summary_text","text":"Two files. \"Both\" – now."}]}"#,
            r#"{"id":"msg_0a1","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"I read both 😀."}],"phase":"commentary","role":"assistant"}"#,
            r#"{"id":"fc_0aA","type":"function_call","status":"completed","arguments":"{\"file_path\": \"/a/b.rs\", \"limit\": 1.0}","call_id":"call_A","name":"Read"}"#,
            r#"{"id":"fc_0aB","type":"function_call","status":"completed","arguments":"{}","call_id":"call_B","name":"Glob"}"#,
        ]
    );
}

#[test]
fn a_local_server_that_leaves_out_indices_is_understood() {
    let (events, error) = decode_pieces(decoder(), [LLAMA_SERVER_TOOL_CALL.as_bytes()]);
    assert_eq!(error, None);
    let started =
        |event: &&ChatEvent| matches!(event, ChatEvent::ToolCallStarted { name } if name == "get_weather");
    assert_eq!(events.iter().filter(started).count(), 1);
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("no end in {events:?}") };
    assert_eq!(arguments(reply), [r#"{"city": "Paris"}"#]);
    let usage =
        TokenUsage { input_tokens: 125, output_tokens: 17, cache_read_tokens: 3, ..TokenUsage::default() };
    assert_eq!((&reply.stop, reply.usage, reply.usage_estimated), (&StopReason::ToolUse, usage, false));
}

#[test]
fn items_that_end_out_of_order_are_put_in_order() {
    let placed = |place: usize, item: Value| json!({"type": "response.output_item.done", "output_index": place, "item": item});
    let reply = reply_of(&[
        placed(1, call("b", "{}")),
        placed(2, message("last")),
        placed(0, call("a", "{}")),
        end("completed"),
    ]);
    let ids: Vec<&str> = reply.turn.tool_calls().map(|call| &*call.id).collect();
    assert_eq!((ids, echo(&reply).len()), (vec!["a", "b"], 3));
    assert!(echo(&reply)[2].contains("last"));
}

#[test]
fn empty_arguments_are_an_empty_object_and_invalid_ones_reach_the_agent_as_written() {
    let reply = reply_of(&[done(&call("a", "")), done(&call("b", "{\"x\": tru")), end("completed")]);
    assert_eq!(arguments(&reply), ["{}", "{\"x\": tru"]);
}

#[test]
fn a_call_without_a_call_id_gets_another() {
    let with_id = json!({"type": "function_call", "id": "fc_1", "name": "Read", "arguments": "{}"});
    let without = json!({"type": "function_call", "name": "Read", "arguments": "{}"});
    let reply = reply_of(&[done(&with_id), done(&without), end("completed")]);
    let ids: Vec<&str> = reply.turn.tool_calls().map(|call| &*call.id).collect();
    assert_eq!(ids, ["fc_1", "call_1"]);
    let twice = [done(&call("a", "{}")), done(&call("a", "{}")), end("completed")];
    assert!(matches!(failure_of(&twice), ProviderError::Protocol { .. }));
}

#[test]
fn every_stop_reason_has_its_normal_form() {
    let incomplete = |reason: Value| {
        let response = json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
        reply_of(&[json!({"type": "response.incomplete", "response": response})]).stop
    };
    assert_eq!(incomplete(json!("max_output_tokens")), StopReason::MaxTokens);
    let filtered = StopReason::Refused { category: Some("content_filter".to_owned()) };
    assert_eq!(incomplete(json!("content_filter")), filtered);
    assert_eq!(incomplete(json!("steered")), StopReason::Other("steered".to_owned()));
    assert_eq!(incomplete(json!(null)), StopReason::Other("incomplete".to_owned()));
    assert_eq!(reply_of(&[end("completed")]).stop, StopReason::EndTurn);
    assert_eq!(reply_of(&[end("cancelled")]).stop, StopReason::Other("cancelled".to_owned()));
    assert_eq!(reply_of(&[done(&call("a", "{}")), end("completed")]).stop, StopReason::ToolUse);
    // The event says it where the response does not.
    assert_eq!(reply_of(&[json!({"type": "response.completed"})]).stop, StopReason::EndTurn);
}

#[test]
fn a_refusal_is_kept_as_text_and_told_apart() {
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]});
    let delta = json!({"type": "response.refusal.delta", "delta": "I can't."});
    let body = sse(&[delta, done(&refusal), end("completed")]);
    let (events, _) = decode_pieces(decoder(), [body.as_bytes()]);
    assert!(matches!(&events[1], ChatEvent::Text(text) if text == "I can't."));
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("no end in {events:?}") };
    assert_eq!(reply.stop, StopReason::Refused { category: None });
    assert_eq!(reply.turn.last_text(), Some("I can't."));
}

#[test]
fn reasoning_from_which_nothing_followed_is_not_echoed() {
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": []});
    let response = json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}});
    let cut_off = json!({"type": "response.incomplete", "response": response});
    let reply = reply_of(&[done(&reasoning), done(&message("a")), done(&reasoning), cut_off]);
    assert_eq!(echo(&reply).len(), 2);
    assert!(echo(&reply)[1].contains("message"));
}

#[test]
fn what_this_version_does_not_know_is_tolerated_and_unknown_items_are_echoed() {
    let hologram = json!({"type": "hologram", "content": {"x": 1}, "arguments": [2.50]});
    let reply = reply_of(&[
        json!({"type": "keepalive", "sequence_number": 3}),
        json!({"type": "response.shell_call_output_content.delta", "delta": {"stdout": "x"}}),
        json!({"type": "response.output_item.added", "item": hologram}),
        done(&hologram),
        done(&message("hi")),
        json!({"type": "response.completed", "response": {"status": "completed", "weather": ["sun"]}}),
    ]);
    assert_eq!(echo(&reply)[0], hologram.to_string());
    assert_eq!((reply.turn.last_text(), reply.stop), (Some("hi"), StopReason::EndTurn));
}

#[test]
fn keep_alives_are_no_activity() {
    let body = sse(&[json!({"type": "keepalive"}), json!({"type": "response.in_progress"})]);
    let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
    assert!(
        matches!(&events[..], [ChatEvent::Started { .. }, ChatEvent::Activity { usage: None }]),
        "{events:?}"
    );
    assert!(matches!(error, Some(ProviderError::BrokenStream { .. })));
}

#[test]
fn a_reply_without_its_terminal_event_is_broken_whatever_came_before() {
    let complete: Vec<&str> = REASONING_AND_TWO_TOOLS.split_inclusive("\n\n").collect();
    for kept in 0..complete.len() - 1 {
        let (_, error) = decode_pieces(decoder(), [complete[..kept].concat().as_bytes()]);
        assert!(matches!(error, Some(ProviderError::BrokenStream { .. })), "after {kept} events: {error:?}");
    }
}

#[test]
fn every_form_of_an_error_inside_a_stream_is_typed_and_keeps_the_text_before_it() {
    let expected = ProviderError::QuotaExhausted { detail: "Pay.".to_owned() };
    let flat =
        r#"{"type":"error","code":"insufficient_quota","message":"Pay.","param":null,"sequence_number":2}"#;
    let nested = r#"{"type":"error","error":{"type":"insufficient_quota","code":"credit_balance_exhausted","message":"Pay.","param":null}}"#;
    let bare = r#"{"error":{"code":"insufficient_quota","message":"Pay."}}"#;
    let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"insufficient_quota","message":"Pay."}}}"#;
    for data in [flat, nested, bare, failed] {
        let body = format!(
            "data: {{\"type\":\"response.output_text.delta\",\"delta\":\"so far\"}}\n\ndata: {data}\n\n"
        );
        let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
        assert!(matches!(&events[1], ChatEvent::Text(text) if text == "so far"));
        assert_eq!(error.as_ref(), Some(&expected), "{data}");
    }
    let named = b"event: error\ndata: {\"code\":500,\"message\":\"Broken.\",\"type\":\"server_error\"}\n\n";
    let (_, error) = decode_pieces(decoder(), [named.as_slice()]);
    let expected = ProviderError::Server { status: 500, retry_after: None, detail: "Broken.".to_owned() };
    assert_eq!(error, Some(expected));
}

#[test]
fn events_that_are_no_json_are_a_protocol_error() {
    let (_, error) = decode_pieces(decoder(), [b"data: <html>\n\n".as_slice()]);
    assert!(matches!(error, Some(ProviderError::Protocol { .. })));
}

#[test]
fn usage_is_taken_apart_into_parts_that_do_not_overlap() {
    let usage_of = |usage: Value| {
        let response = json!({"status": "completed", "usage": usage});
        let reply = reply_of(&[json!({"type": "response.completed", "response": response})]);
        (reply.usage, reply.usage_estimated)
    };
    let details = json!({"cached_tokens": 900, "cache_write_tokens": 60});
    let whole = json!({"input_tokens": 1000, "output_tokens": 50, "input_tokens_details": details,
        "output_tokens_details": {"reasoning_tokens": 30}});
    let expected = TokenUsage {
        input_tokens: 40,
        output_tokens: 50,
        cache_read_tokens: 900,
        cache_write_tokens: 60,
        cache_write_1h_tokens: 0,
    };
    assert_eq!(usage_of(whole), (expected, false));
    let bare = TokenUsage { input_tokens: 7, output_tokens: 1, ..TokenUsage::default() };
    assert_eq!(
        usage_of(json!({"input_tokens": 7, "output_tokens": 1, "input_tokens_details": null})),
        (bare, false)
    );
    assert_eq!(usage_of(json!(null)), (TokenUsage::default(), true));
}

#[test]
fn items_that_only_the_terminal_event_shows_count_too() {
    let response = json!({"status": "completed", "output": [message("hi"), call("a", "{}")]});
    let reply = reply_of(&[json!({"type": "response.completed", "response": response})]);
    assert_eq!((reply.turn.last_text(), arguments(&reply)), (Some("hi"), vec!["{}"]));
}

#[test]
fn a_reply_as_one_document_gives_the_same_as_a_stream() {
    let document = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"model":"m","output":[
        {"type":"reasoning","id":"rs_1","summary":[]},
        {"type":"function_call","call_id":"c","name":"Read","arguments":"{\"n\": 1.0}"}],
        "usage":{"input_tokens":4,"output_tokens":5}}"#;
    let event = SseEvent { event: None, data: document.to_owned() };
    let mut out = VecDeque::new();
    decoder().on_event(event, &mut out).unwrap();
    let Some(ChatEvent::Finished(reply)) = out.pop_back() else { panic!("no end in {out:?}") };
    assert_eq!(arguments(&reply), [r#"{"n": 1.0}"#]);
    assert_eq!(echo(&reply)[0], r#"{"type":"reasoning","id":"rs_1","summary":[]}"#);
    assert_eq!((reply.stop, reply.usage.total_tokens()), (StopReason::ToolUse, 9));
}

proptest! {
    #[test]
    fn any_chunking_of_a_recorded_reply_decodes_to_the_same(
        cuts in prop::collection::vec(0..REASONING_AND_TWO_TOOLS.len(), 0..60),
    ) {
        let (whole, pieces) = (cut(REASONING_AND_TWO_TOOLS, vec![]), cut(REASONING_AND_TWO_TOOLS, cuts));
        let [whole, pieces] = [whole, pieces].map(|pieces| format!("{:?}", decode_pieces(decoder(), pieces)));
        prop_assert_eq!(pieces, whole);
    }

    /// Whatever a server sends under a known name, the stream ends in a reply or in an error.
    #[test]
    fn a_known_event_with_any_content_never_panics(kind in 0..KINDS.len(), field in 0..FIELDS.len(), value in ".{0,20}") {
        let event = json!({"type": KINDS[kind], FIELDS[field]: {"type": "message", "content": value}});
        let raw = format!("data: {{\"type\":\"{}\",\"{}\":{value}}}\n\n", KINDS[kind], FIELDS[field]);
        for body in [sse(&[event]), raw] {
            let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
            prop_assert!(error.is_some() || matches!(events.last(), Some(ChatEvent::Finished(_))));
        }
    }
}

const KINDS: &[&str] =
    &["response.output_item.done", "response.output_item.added", "response.completed", "error", "x"];
const FIELDS: &[&str] = &["item", "response", "delta", "error", "output_index", "object"];

#[test]
fn what_the_server_searched_for_is_counted_and_listed() {
    let source = |n: u32| json!({"type": "url", "url": format!("https://a.example/{n}")});
    let action = json!({"type": "search", "query": "q", "sources": [source(1), source(2)]});
    let searched = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action});
    let opened = json!({"type": "web_search_call", "id": "ws_2", "status": "completed",
        "action": {"type": "open_page", "url": "https://a.example/2"}});
    let cited = json!({"type": "url_citation", "url": "https://a.example/2", "title": "Page 2", "start_index": 0, "end_index": 3});
    let text = json!({"type": "output_text", "text": "So it is.", "annotations": [cited]});
    let answer = json!({"type": "message", "role": "assistant", "content": [text]});
    let reply = reply_of(&[done(&searched), done(&opened), done(&answer), end("completed")]);
    let hits: Vec<_> = reply.search.hits.iter().map(|hit| (&*hit.title, &*hit.url)).collect();
    assert_eq!(hits, [("", "https://a.example/1"), ("Page 2", "https://a.example/2")]);
    assert_eq!((reply.search.requests, reply.search.failure), (1, None));
    assert_eq!(reply.turn.last_text(), Some("So it is."));
}
