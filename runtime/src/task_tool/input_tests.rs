use proptest::prelude::*;
use serde_json::json;

use super::*;

fn task(arguments: &Value) -> Result<TaskInput, String> {
    match ToolInput::parse("Task", arguments)? {
        ToolInput::Task(input) => Ok(input),
        other => panic!("not a Task: {other:?}"),
    }
}

/// `{"description": "d", "prompt": "p"}` with changes.
fn arguments(changes: &Value) -> Value {
    let mut arguments = json!({"description": "d", "prompt": "p", "subagent_type": "a"});
    for (name, value) in changes.as_object().expect("an object") {
        arguments[name] = value.clone();
    }
    arguments
}

fn invalid(tool: &str, issue: &str) -> String {
    format!(
        "<tool_use_error>InputValidationError: {tool} failed due to the following issue:\n{issue}</tool_use_error>"
    )
}

#[test]
fn wrong_calls_are_answered_in_claude_codes_words() {
    let cases = [
        (json!({"description": "d"}), "The required parameter `prompt` is missing"),
        (json!({"prompt": "p"}), "The required parameter `description` is missing"),
        (
            arguments(&json!({"prompt": 5})),
            "The parameter `prompt` type is expected as `string` but provided as `number`",
        ),
        (
            arguments(&json!({"prompt": null})),
            "The parameter `prompt` type is expected as `string` but provided as `null`",
        ),
        (
            arguments(&json!({"description": ["x"]})),
            "The parameter `description` type is expected as `string` but provided as `array`",
        ),
        (
            arguments(&json!({"subagent_type": {}})),
            "The parameter `subagent_type` type is expected as `string` but provided as `object`",
        ),
        (
            arguments(&json!({"run_in_background": "yes"})),
            "The parameter `run_in_background` type is expected as `boolean` but provided as `string`",
        ),
        (
            arguments(&json!({"model": true})),
            "The parameter `model` type is expected as `string` but provided as `boolean`",
        ),
        (
            arguments(&json!({"effort": "much"})),
            "The parameter `effort` is expected as `low` | `medium` | `high` | `xhigh` | `max` but provided as `much`",
        ),
    ];
    for (arguments, issue) in cases {
        assert_eq!(task(&arguments), Err(invalid("Task", issue)), "{arguments}");
    }
}

#[test]
fn several_mistakes_are_told_together_the_missing_ones_first() {
    let text = "<tool_use_error>InputValidationError: Task failed due to the following issues:\n\
                The required parameter `prompt` is missing\n\
                The parameter `description` type is expected as `string` but provided as `number`</tool_use_error>";
    assert_eq!(task(&json!({"description": 1})), Err(text.to_owned()));
    for nothing in [json!(null), json!([]), json!("x"), json!({})] {
        assert!(
            task(&nothing)
                .is_err_and(|text| text.contains("issues:") && text.matches("missing").count() == 2)
        );
    }
}

#[test]
fn unknown_keys_are_passed_over_and_null_is_as_good_as_absent() {
    let plain = task(&arguments(&json!({}))).expect("a call");
    let odd =
        json!({"zzz": 1, "name": null, "team_name": "t", "mode": "plan", "model": null, "resume": null});
    assert_eq!(task(&arguments(&odd)), Ok(plain));
}

#[test]
fn a_call_without_an_agent_is_for_the_general_purpose_one() {
    for agent in [json!(null), json!(""), json!("  ")] {
        let input = task(&arguments(&json!({"subagent_type": agent}))).expect("a call");
        assert_eq!(input.agent, "general-purpose");
    }
    assert_eq!(task(&json!({"description": "d", "prompt": "p"})).expect("a call").agent, "general-purpose");
}

#[test]
fn the_tool_has_two_names_and_errors_use_the_one_that_was_called() {
    let call = arguments(&json!({"model": "haiku", "effort": "high", "run_in_background": true}));
    let ToolInput::Task(input) = ToolInput::parse("Agent", &call).expect("a call") else { panic!("a Task") };
    assert_eq!((input.agent.as_str(), input.prompt.as_str(), input.description.as_str()), ("a", "p", "d"));
    assert_eq!((input.model, input.effort), (Some(ModelChoice::parse("haiku")), Some(Effort::High)));
    assert_eq!(input.reply, ReplyTime::AtStart);
    let issue = "The required parameter `prompt` is missing";
    assert_eq!(ToolInput::parse("Agent", &json!({"description": "d"})), Err(invalid("Agent", issue)));
    let unknown = "<tool_use_error>Error: No such tool available: NoSuchTool</tool_use_error>";
    assert_eq!(ToolInput::parse("NoSuchTool", &json!({})), Err(unknown.to_owned()));
}

#[test]
fn a_call_can_go_on_with_an_agent_name_it_and_keep_it_apart() {
    let call = json!({"resume": "zzz", "name": " scout ", "isolation": "worktree"});
    let input = task(&arguments(&call)).expect("a call");
    assert_eq!((input.resume.as_deref(), input.name.as_deref()), (Some("zzz"), Some("scout")));
    assert_eq!(input.isolation, Some(Isolation::Worktree));
    let issue = "The parameter `isolation` is expected as `worktree` but provided as `remote`";
    assert_eq!(task(&arguments(&json!({"isolation": "remote"}))), Err(invalid("Task", issue)));
}

#[test]
fn output_waits_half_a_minute_unless_told_otherwise_and_ten_minutes_at_most() {
    let wait = |arguments: Value| match ToolInput::parse("TaskOutput", &arguments).expect("a call") {
        ToolInput::Output(input) => input.wait,
        other => panic!("not TaskOutput: {other:?}"),
    };
    assert_eq!(wait(json!({"task_id": "x"})), Duration::from_secs(30));
    assert_eq!(wait(json!({"task_id": "x", "block": false, "timeout": 5_000})), Duration::ZERO);
    assert_eq!(wait(json!({"task_id": "x", "timeout": 1_500.5})), Duration::from_micros(1_500_500));
    assert_eq!(wait(json!({"task_id": "x", "timeout": 1e300})), Duration::from_mins(10));
    assert_eq!(wait(json!({"task_id": "x", "timeout": -1})), Duration::ZERO);
    let missing = invalid("TaskStop", "The required parameter `task_id` is missing");
    assert_eq!(ToolInput::parse("TaskStop", &json!({})), Err(missing));
}

proptest! {
    #[test]
    fn any_text_is_taken_as_it_stands(prompt in any::<String>(), description in any::<String>()) {
        let input = task(&json!({"description": description, "prompt": prompt})).expect("a call");
        prop_assert_eq!((input.prompt, input.description), (prompt, description));
    }
}
