use proptest::prelude::*;
use serde_json::json;

use super::*;

fn said(event: HookEvent, printed: &Value) -> Result<Said, String> {
    Said::parse(event, &printed.to_string())
}

fn ruled(ruling: HookRuling, reason: &str) -> Said {
    Said { ruling: Some(ruling), reason: Some(reason.to_owned()), ..Said::default() }
}

#[test]
fn both_of_claude_codes_ways_to_decide_are_read_and_the_stricter_counts() {
    let pre = HookEvent::PreToolUse;
    let specific = |decision: &str| json!({"permissionDecision": decision, "permissionDecisionReason": "r"});
    for (printed, expected) in [
        (json!({"hookSpecificOutput": specific("deny")}), ruled(HookRuling::Deny, "r")),
        (json!({"hookSpecificOutput": specific("ask")}), ruled(HookRuling::Ask, "r")),
        (json!({"hookSpecificOutput": specific("defer")}), ruled(HookRuling::Ask, "r")),
        (json!({"hookSpecificOutput": specific("allow")}), ruled(HookRuling::Allow, "r")),
        (json!({"decision": "block", "reason": "b"}), ruled(HookRuling::Deny, "b")),
        (json!({"decision": "approve", "reason": "b"}), ruled(HookRuling::Allow, "b")),
        (
            json!({"decision": "block", "reason": "b", "hookSpecificOutput": specific("allow")}),
            ruled(HookRuling::Deny, "b"),
        ),
        (json!({"decision": null, "suppressOutput": true, "systemMessage": "m"}), Said::default()),
        (json!({"continue": true}), Said::default()),
    ] {
        assert_eq!(said(pre, &printed), Ok(expected), "{printed}");
    }
    let stop = said(pre, &json!({"continue": false, "stopReason": "enough"})).expect("an answer");
    assert_eq!(stop.stop.as_deref(), Some("enough"));
}

#[test]
fn what_is_no_answer_is_an_error_and_what_is_plain_text_says_nothing() {
    let pre = HookEvent::PreToolUse;
    for printed in [
        "{",
        "{\"decision\": \"block\"",
        "{} {}",
        "{\"decision\": \"maybe\"}",
        "{\"decision\": 1}",
        "{\"decision\": \"block\", \"reason\": {}}",
        "{\"continue\": \"no\"}",
        "{\"hookSpecificOutput\": \"deny\"}",
        "{\"hookSpecificOutput\": {\"permissionDecision\": \"Deny\"}}",
        "{\"hookSpecificOutput\": {\"permissionDecision\": true}}",
        "{\"hookSpecificOutput\": {\"hookEventName\": \"PostToolUse\", \"permissionDecision\": \"allow\"}}",
        "{\"hookSpecificOutput\": {\"updatedInput\": []}}",
    ] {
        assert!(Said::parse(pre, printed).is_err(), "{printed}");
    }
    for printed in ["", "checked\n", "[\"deny\"]", "null"] {
        assert_eq!(Said::parse(pre, printed), Ok(Said::default()), "{printed}");
    }
}

#[test]
fn texts_are_bounded_and_hide_nothing() {
    let long = format!("\u{1b}[2J{}", "x".repeat(2 * TEXT_CHARS_MAX));
    let said = said(HookEvent::PreToolUse, &json!({"decision": "block", "reason": long})).expect("an answer");
    let reason = said.reason.expect("a reason");
    assert!(reason.starts_with("\\u{1b}[2Jxx") && reason.len() < 2 * TEXT_CHARS_MAX);
}

proptest! {
    /// Whatever a hook prints, a decision that is written in it is read or the answer is an error.
    #[test]
    fn no_decision_is_lost(decision in "[a-z]{0,6}|deny|block|ask", other in "[a-zA-Z]{1,12}", value in any::<i64>()) {
        let printed = json!({"decision": decision, &other: value}).to_string();
        if let Ok(said) = Said::parse(HookEvent::PreToolUse, &printed) {
            prop_assert!(said.ruling.is_some());
        }
    }

    #[test]
    fn no_output_panics(printed in "\\{?\\PC{0,60}") {
        let _ = Said::parse(HookEvent::SubagentStop, &printed);
    }
}
