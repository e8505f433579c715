use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::decode::testing::{arguments, cut, decode_pieces, echo, finished};

const THOUGHTS_AND_TWO_TOOLS: &str = include_str!("fixtures/thoughts_and_two_tools.sse");
const MODEL: &str = "gemini-4-argon";

fn decoder() -> GenerateDecoder {
    GenerateDecoder::new(ModelId::new(MODEL))
}

fn sse(chunks: &[Value]) -> String {
    chunks.iter().fold(String::new(), |text, chunk| format!("{text}data: {chunk}\r\n\r\n"))
}

fn reply_of(chunks: &[Value]) -> ChatReply {
    finished(decoder(), &sse(chunks))
}

fn failure_of(chunks: &[Value]) -> ProviderError {
    decode_pieces(decoder(), [sse(chunks).as_bytes()]).1.expect("the stream fails")
}

fn parts(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}}]})
}

fn finish(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason}]})
}

fn call_ids(reply: &ChatReply) -> Vec<&str> {
    reply.turn.tool_calls().map(|call| &*call.id).collect()
}

#[test]
fn a_whole_reply_gives_its_events_parts_usage_and_exact_echo() {
    let (events, error) = decode_pieces(decoder(), [THOUGHTS_AND_TWO_TOOLS.as_bytes()]);
    assert_eq!(error, None);
    insta::assert_debug_snapshot!(events);
}

#[test]
fn pieces_of_text_are_joined_and_parts_with_anything_beside_it_are_echoed_byte_for_byte() {
    let reply = finished(decoder(), THOUGHTS_AND_TWO_TOOLS);
    assert_eq!(
        echo(&reply),
        [
            r#"{"text":"Two files. \"Both\" – now.","thought":true}"#,
            r#"{"text":"I read both 😀."}"#,
            r#"{"functionCall":{"name":"Read","args":{"file_path":"/a/b.rs","limit":1.0},"id":"a1b2c3d4"},"thoughtSignature":"EtYBCtMBAXLI2nx+/w=="}"#,
            r#"{"functionCall":{"name":"Glob","args":{},"id":"e5f6g7h8"}}"#,
        ]
    );
}

#[test]
fn a_signature_is_never_joined_with_its_neighbours() {
    let reply = reply_of(&[
        parts(&json!([{"text": "a"}])),
        parts(&json!([{"text": "b"}])),
        parts(&json!([{"text": "", "thoughtSignature": "Eq8="}])),
        parts(&json!([{"text": "c", "thoughtSignature": "Er8="}])),
        parts(&json!([{"text": "d"}, {"text": ""}])),
        finish("STOP"),
    ]);
    assert_eq!(
        echo(&reply),
        [
            r#"{"text":"ab"}"#,
            r#"{"text":"","thoughtSignature":"Eq8="}"#,
            r#"{"text":"c","thoughtSignature":"Er8="}"#,
            r#"{"text":"d"}"#,
        ]
    );
    assert_eq!(reply.turn.last_text(), Some("abcd"));
    assert_eq!(reply.turn.parts.len(), 1);
}

#[test]
fn calls_without_an_id_get_one_that_is_unique_in_the_conversation() {
    let call =
        json!([{"functionCall": {"name": "Read"}}, {"functionCall": {"name": "Read", "args": {"n": 1.0}}}]);
    let with_response_id = |id: &str| {
        let mut chunk = parts(&call);
        chunk["responseId"] = json!(id);
        reply_of(&[chunk, finish("STOP")])
    };
    let reply = with_response_id("r/1");
    assert_eq!(call_ids(&reply), ["call_r_1_0", "call_r_1_1"]);
    assert_eq!(arguments(&reply), ["{}", r#"{"n":1.0}"#]);
    assert!(!echo(&reply)[0].contains("call_"));
    let others = [reply_of(&[parts(&call), finish("STOP")]), reply_of(&[parts(&call), finish("STOP")])];
    let mut ids: Vec<&str> = others.iter().flat_map(call_ids).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn two_calls_with_the_same_id_are_a_protocol_error() {
    let call = json!([{"functionCall": {"name": "Read", "id": "x"}}]);
    let error = failure_of(&[parts(&call), parts(&call), finish("STOP")]);
    assert!(matches!(error, ProviderError::Protocol { .. }), "{error}");
}

#[test]
fn every_finish_reason_has_its_normal_form() {
    let refused = |category: &str| StopReason::Refused { category: Some(category.to_owned()) };
    let cases = [
        ("STOP", StopReason::EndTurn),
        ("MAX_TOKENS", StopReason::MaxTokens),
        ("SAFETY", refused("SAFETY")),
        ("RECITATION", refused("RECITATION")),
        ("BLOCKLIST", refused("BLOCKLIST")),
        ("PROHIBITED_CONTENT", refused("PROHIBITED_CONTENT")),
        ("SPII", refused("SPII")),
        ("LANGUAGE", refused("LANGUAGE")),
        ("MODEL_ARMOR", refused("MODEL_ARMOR")),
        ("MALFORMED_FUNCTION_CALL", StopReason::Malformed),
        ("UNEXPECTED_TOOL_CALL", StopReason::Malformed),
        ("MALFORMED_RESPONSE", StopReason::Malformed),
        ("TOO_MANY_TOOL_CALLS", StopReason::Other("TOO_MANY_TOOL_CALLS".to_owned())),
        ("OTHER", StopReason::Other("OTHER".to_owned())),
        ("TIRED", StopReason::Other("TIRED".to_owned())),
    ];
    for (reason, expected) in cases {
        assert_eq!(reply_of(&[finish(reason)]).stop, expected);
    }
    let call = parts(&json!([{"functionCall": {"name": "Read", "id": "a"}}]));
    assert_eq!(reply_of(&[call.clone(), finish("STOP")]).stop, StopReason::ToolUse);
    assert_eq!(reply_of(&[call, finish("MAX_TOKENS")]).stop, StopReason::MaxTokens);
}

#[test]
fn a_missing_signature_is_told_as_refused_reasoning_state() {
    let chunk = json!({"candidates": [{"finishReason": "MISSING_THOUGHT_SIGNATURE", "finishMessage": "No signature."}]});
    assert_eq!(failure_of(&[chunk]), ProviderError::ReasoningState { detail: "No signature.".to_owned() });
}

#[test]
fn a_blocked_prompt_is_refused_with_its_category() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}});
    let category = Some("PROHIBITED_CONTENT".to_owned());
    let detail = "PROHIBITED_CONTENT".to_owned();
    assert_eq!(failure_of(&[blocked]), ProviderError::Refused { category: category.clone(), detail });
    let explained =
        json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No."}});
    assert_eq!(failure_of(&[explained]), ProviderError::Refused { category, detail: "No.".to_owned() });
    // Ratings alone block nothing.
    let rated = json!({"promptFeedback": {"safetyRatings": []}});
    assert_eq!(reply_of(&[rated, finish("STOP")]).stop, StopReason::EndTurn);
}

#[test]
fn a_body_that_ends_without_a_finish_reason_is_broken_whatever_came_before() {
    let complete: Vec<&str> = THOUGHTS_AND_TWO_TOOLS.split_inclusive("\r\n\r\n").collect();
    for kept in 0..complete.len() - 1 {
        let (_, error) = decode_pieces(decoder(), [complete[..kept].concat().as_bytes()]);
        assert!(matches!(error, Some(ProviderError::BrokenStream { .. })), "after {kept} chunks: {error:?}");
    }
}

#[test]
fn a_finish_reason_in_every_chunk_ends_nothing_before_the_body_ends() {
    let chunk = |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]});
    let empty = json!({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]});
    let usage = json!({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}});
    let reply = reply_of(&[empty, chunk("a"), chunk("b"), usage]);
    assert_eq!((reply.turn.last_text(), reply.usage.total_tokens()), (Some("ab"), 5));
}

#[test]
fn an_error_after_the_status_200_is_typed_and_keeps_the_text_before_it() {
    let overloaded =
        json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    let body = sse(&[parts(&json!([{"text": "so far"}])), overloaded]);
    let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
    assert!(matches!(&events[2], ChatEvent::Text(text) if text == "so far"), "{events:?}");
    let detail = "The model is overloaded.".to_owned();
    assert_eq!(error, Some(ProviderError::Overloaded { retry_after: None, detail }));
}

#[test]
fn what_this_version_does_not_know_is_tolerated_and_unknown_parts_are_echoed() {
    let code = json!({"executableCode": {"language": "PYTHON", "code": "1+1"}});
    let reply = reply_of(&[
        json!({"weather": ["sun"]}),
        json!({"candidates": null, "usageMetadata": null}),
        parts(&json!([code, {"text": "hi"}])),
        json!({"candidates": [{"content": null, "finishReason": "FINISH_REASON_UNSPECIFIED"}]}),
        finish("STOP"),
    ]);
    assert_eq!(echo(&reply), [code.to_string(), r#"{"text":"hi"}"#.to_owned()]);
    assert_eq!((reply.turn.last_text(), reply.stop), (Some("hi"), StopReason::EndTurn));
}

#[test]
fn thoughts_from_which_nothing_followed_are_no_turn() {
    let reply = reply_of(&[parts(&json!([{"text": "Hm.", "thought": true}])), finish("MAX_TOKENS")]);
    assert!(reply.turn.parts.is_empty() && echo(&reply).is_empty());
}

#[test]
fn events_that_are_no_json_are_a_protocol_error() {
    let (_, error) = decode_pieces(decoder(), [b"data: <html>\n\n".as_slice()]);
    assert!(matches!(error, Some(ProviderError::Protocol { .. })));
}

#[test]
fn thoughts_are_counted_as_output_and_cached_tokens_once() {
    let usage = json!({"promptTokenCount": 1000, "cachedContentTokenCount": 900, "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 1057});
    let early = json!({"usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 1}});
    let reply = reply_of(&[early, json!({"usageMetadata": usage}), finish("STOP")]);
    let expected = TokenUsage {
        input_tokens: 107,
        output_tokens: 50,
        cache_read_tokens: 900,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
    };
    assert_eq!((reply.usage, reply.usage_estimated), (expected, false));
    assert!(reply_of(&[finish("STOP")]).usage_estimated);
}

#[test]
fn a_reply_as_one_document_or_one_array_gives_the_same_as_a_stream() {
    let mut whole = parts(&json!([{"text": "ab"}]));
    whole["candidates"][0]["finishReason"] = json!("STOP");
    let array = json!([parts(&json!([{"text": "a"}])), parts(&json!([{"text": "b"}])), finish("STOP")]);
    for data in [whole.to_string(), array.to_string()] {
        let (mut decoder, mut out) = (decoder(), VecDeque::new());
        decoder.on_event(SseEvent { event: None, data }, &mut out).unwrap();
        decoder.on_end(BodyEnd::Clean, &mut out).unwrap();
        let Some(ChatEvent::Finished(reply)) = out.pop_back() else { panic!("no end in {out:?}") };
        assert_eq!(reply.turn.last_text(), Some("ab"));
    }
}

proptest! {
    #[test]
    fn any_chunking_of_a_recorded_reply_decodes_to_the_same(
        cuts in prop::collection::vec(0..THOUGHTS_AND_TWO_TOOLS.len(), 0..60),
    ) {
        let (whole, pieces) = (cut(THOUGHTS_AND_TWO_TOOLS, vec![]), cut(THOUGHTS_AND_TWO_TOOLS, cuts));
        let [whole, pieces] = [whole, pieces].map(|pieces| format!("{:?}", decode_pieces(decoder(), pieces)));
        prop_assert_eq!(pieces, whole);
    }

    /// However the server cuts a text into parts, the turn and its echo are the same.
    #[test]
    fn any_cutting_of_a_text_gives_the_same_turn(texts in prop::collection::vec("[a-zä\"\\\\]{0,6}", 1..20)) {
        let mut chunks: Vec<Value> = texts.iter().map(|text| parts(&json!([{"text": text}]))).collect();
        chunks.push(finish("STOP"));
        let (pieces, whole) = (reply_of(&chunks), reply_of(&[parts(&json!([{"text": texts.concat()}])), finish("STOP")]));
        prop_assert_eq!(echo(&pieces), echo(&whole));
        prop_assert_eq!(pieces.turn.last_text(), whole.turn.last_text());
    }

    /// Whatever a server sends under a known name, the stream ends in a reply or in an error.
    #[test]
    fn a_known_field_with_any_content_never_panics(field in 0..FIELDS.len(), value in ".{0,20}") {
        let chunk = json!({FIELDS[field]: [{"content": value}]});
        let raw = format!("data: {{\"{}\":{value}}}\n\n", FIELDS[field]);
        for body in [sse(&[chunk]), raw] {
            let (events, error) = decode_pieces(decoder(), [body.as_bytes()]);
            prop_assert!(error.is_some() || matches!(events.last(), Some(ChatEvent::Finished(_))));
        }
    }
}

const FIELDS: &[&str] = &["candidates", "promptFeedback", "usageMetadata", "error", "responseId"];

#[test]
fn what_the_server_searched_for_is_counted_and_listed() {
    let web =
        |n: u32| json!({"web": {"uri": format!("https://a.example/{n}"), "title": format!("Page {n}")}});
    let grounded = |queries: &Value, chunks: &Value| {
        let grounding = json!({"webSearchQueries": queries, "groundingChunks": chunks});
        json!({"candidates": [{"groundingMetadata": grounding}]})
    };
    let reply = reply_of(&[
        parts(&json!([{"text": "So it is."}])),
        grounded(&json!(["q"]), &json!([web(1)])),
        grounded(&json!(["q", "r"]), &json!([web(1), web(2), {"maps": {}}])),
        finish("STOP"),
    ]);
    let hits: Vec<_> = reply.search.hits.iter().map(|hit| (&*hit.title, &*hit.url)).collect();
    assert_eq!(hits, [("Page 1", "https://a.example/1"), ("Page 2", "https://a.example/2")]);
    assert_eq!(reply.search.requests, 2);
}
