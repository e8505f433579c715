use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::testing::tool;

fn offered() -> [ToolSpec; 2] {
    ["Read", "Glob"].map(tool)
}

/// Names and arguments of the calls, and the words around them.
fn seen(text: &str) -> Option<(Vec<(String, String)>, String)> {
    let found = read(text, &offered())?;
    Some((found.calls.into_iter().map(|call| (call.name, call.arguments)).collect(), found.text))
}

fn reads(text: &str, calls: &[(&str, &str)], words: &str) {
    let calls = calls.iter().map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned())).collect();
    assert_eq!(seen(text), Some((calls, words.to_owned())), "{text}");
}

const READ: &str = r#"{"name": "Read", "arguments": {"file_path": "/a"}}"#;
const READ_CALL: (&str, &str) = ("Read", r#"{"file_path": "/a"}"#);
const GLOB: &str = r#"{"name":"Glob","parameters":{"pattern":"*"}}"#;
const GLOB_CALL: (&str, &str) = ("Glob", r#"{"pattern":"*"}"#);

#[test]
fn calls_are_read_in_every_form_that_small_models_write() {
    reads(READ, &[READ_CALL], "");
    reads(&format!("\n {READ} \n"), &[READ_CALL], "");
    reads(&format!("{READ}\n{GLOB}"), &[READ_CALL, GLOB_CALL], "");
    reads(&format!("[{READ}, {GLOB}]"), &[READ_CALL, GLOB_CALL], "");
    reads(&format!("```json\n{READ}\n```"), &[READ_CALL], "");
    reads(&format!("```\n{READ}\n```\n\n```tool_call\n{GLOB}\n"), &[READ_CALL, GLOB_CALL], "");
    reads(&format!("<tool_call>\n{READ}\n</tool_call>"), &[READ_CALL], "");
    reads(&format!("<tool_call>{READ}</tool_call><tool_call>{GLOB}"), &[READ_CALL, GLOB_CALL], "");
    reads(&format!("I look.\n<tool_call>{READ}</tool_call>\nDone."), &[READ_CALL], "I look.\n\nDone.");
    reads(r#"{"type":"function","name":"Glob","parameters":{}}"#, &[("Glob", "{}")], "");
    reads(r#"{"name":"Read","arguments":"{\"file_path\": \"/a\"}"}"#, &[READ_CALL], "");
}

#[test]
fn a_text_that_only_looks_like_a_call_stays_a_text() {
    let texts = [
        "",
        "[]",
        "Just words.",
        r#"{"name": "Rm", "arguments": {}}"#,
        r#"{"name": "Read"}"#,
        r#"{"name": "Read", "arguments": [1]}"#,
        r#"{"name": "Read", "arguments": "words"}"#,
        r#"{"name": "Read", "arguments": {}, "description": "a list of tools"}"#,
        r#"{"name": "Read", "arguments": {"#,
        &format!("Call it like this: {READ}"),
        &format!("{READ} That is how."),
        &format!("```json\n{READ}\n```\nThat is how."),
        &format!("Like this:\n```json\n{READ}\n```"),
        &format!("```{READ}```"),
        "<tool_call>none</tool_call>",
        "The tag is <tool_call>.",
    ];
    for text in texts {
        assert_eq!(seen(text), None, "{text}");
    }
}

#[test]
fn a_thought_at_the_beginning_is_no_part_of_what_is_said() {
    assert_eq!(without_thought("<think>\nHm.\n</think>\n\nYes."), "Yes.");
    assert_eq!(without_thought("<think></think>Yes."), "Yes.");
    for whole in ["Yes.", "<think>never closed", "The tag </think> ends a <think>."] {
        assert_eq!(without_thought(whole), whole);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_arguments_survive_byte_for_byte(
        fields in prop::collection::hash_map("[a-z_]{1,8}", json_value(), 0..4),
        form in 0..3_usize,
    ) {
        let arguments = Value::Object(fields.into_iter().collect());
        let call = json!({"name": "Read", "arguments": arguments}).to_string();
        // A fence or a tag inside the arguments ends the call early: such a text is left alone.
        let text = match form {
            0 => call.clone(),
            1 if !call.contains(FENCE) => format!("```json\n{call}\n```"),
            _ => format!("<tool_call>\n{call}\n</tool_call>"),
        };
        if !call.contains("tool_call>") {
            let expected = (vec![("Read".to_owned(), arguments.to_string())], String::new());
            prop_assert_eq!(seen(&text), Some(expected));
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}", at in 0..4_usize) {
        let strange = match at {
            0 => text,
            1 => format!("```{text}"),
            2 => format!("<tool_call>{text}"),
            _ => format!("{{\"name\":{text}"),
        };
        prop_assert_eq!(seen(&strange), None);
        let _ = without_thought(&strange);
    }
}
