use super::*;
use crate::chat::testing::{assistant, request, user};

/// The calls that these fragments make, as `id name arguments`.
fn calls(fragments: &[&str]) -> Vec<String> {
    let mut calls = ToolCalls { open: Vec::new(), next_number: 0 };
    let mut out = VecDeque::new();
    for fragment in fragments {
        calls.add(serde_json::from_str(fragment).unwrap(), &mut out);
    }
    let started = out.iter().filter(|event| matches!(event, ChatEvent::ToolCallStarted { .. })).count();
    let done = calls.close();
    assert_eq!(started, done.iter().filter(|done| !done.call.name.is_empty()).count());
    done.iter().map(|done| format!("{} {} {}", done.call.id, done.call.name, done.call.arguments)).collect()
}

#[test]
fn openai_counts_its_calls_by_index() {
    let fragments = [
        r#"{"index":0,"id":"call_a","type":"function","function":{"name":"Read","arguments":""}}"#,
        r#"{"index":0,"function":{"arguments":"{\"n\": "}}"#,
        r#"{"index":1,"id":"call_b","type":"function","function":{"name":"Glob","arguments":""}}"#,
        r#"{"index":0,"function":{"arguments":"1.0}"}}"#,
        r#"{"index":1,"function":{"arguments":"{}"}}"#,
    ];
    assert_eq!(calls(&fragments), [r#"call_a Read {"n": 1.0}"#, "call_b Glob {}"]);
}

#[test]
fn ollama_counts_none_and_tells_its_calls_apart_by_id() {
    let fragments = [
        r#"{"index":0,"id":"call_x","function":{"name":"Read","arguments":"{\"a\":1}"}}"#,
        r#"{"index":0,"id":"call_y","function":{"name":"Read","arguments":"{\"a\":2}"}}"#,
    ];
    assert_eq!(calls(&fragments), [r#"call_x Read {"a":1}"#, r#"call_y Read {"a":2}"#]);
}

#[test]
fn an_id_that_is_repeated_with_each_piece_is_one_call() {
    let fragments = [
        r#"{"index":0,"id":"c","function":{"name":"Read","arguments":"{\"a\""}}"#,
        r#"{"index":0,"id":"c","function":{"name":"Read","arguments":":1}"}}"#,
    ];
    assert_eq!(calls(&fragments), [r#"c Read {"a":1}"#]);
    let without_index = fragments.map(|fragment| fragment.replace(r#""index":0,"#, ""));
    assert_eq!(calls(&without_index.each_ref().map(String::as_str)), [r#"c Read {"a":1}"#]);
}

#[test]
fn calls_without_index_or_id_are_told_apart_by_their_names() {
    let fragments = [
        r#"{"function":{"name":"Read","arguments":"{\"a\""}}"#,
        r#"{"function":{"arguments":":1}"}}"#,
        r#"{"function":{"name":"Glob","arguments":null}}"#,
    ];
    assert_eq!(calls(&fragments), [r#"call_0 Read {"a":1}"#, "call_1 Glob {}"]);
    let same_index = [
        r#"{"index":0,"id":"","function":{"name":"Read","arguments":"{\"a\":1}"}}"#,
        r#"{"index":0,"id":null,"function":{"name":"Read","arguments":"{\"a\":2}"}}"#,
    ];
    assert_eq!(calls(&same_index), [r#"call_0 Read {"a":1}"#, r#"call_1 Read {"a":2}"#]);
}

#[test]
fn arguments_may_be_the_object_itself() {
    let fragment = r#"{"index":0,"id":"c","function":{"name":"Read","arguments":{"n": 1.0}}}"#;
    assert_eq!(calls(&[fragment]), [r#"c Read {"n": 1.0}"#]);
}

#[test]
fn ids_are_unique_within_the_turn_and_empty_calls_are_none() {
    let fragments = [
        r#"{"index":0,"id":"c","function":{"name":"Read"}}"#,
        r#"{"index":1,"id":"c","function":{"name":"Glob"}}"#,
        r#"{"index":2}"#,
    ];
    assert_eq!(calls(&fragments), ["c Read {}", "call_0 Glob {}"]);
}

#[test]
fn ids_of_our_own_go_on_where_the_conversation_ends() {
    let call = |id: &str| crate::chat::testing::call(id, "");
    let turn = assistant(vec![call("call_7"), call("call_x9"), call("toolu_8")]);
    assert_eq!(ToolCalls::after(&request("m", vec![user("hi"), turn])).next_number, 8);
}
