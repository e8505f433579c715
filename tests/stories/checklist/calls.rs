//! Rows 1 to 7: what is offered, and what becomes of calls that are right, odd and wrong.

use codex_task::ToolAnswer;
use codex_task_tests::Reply;
use serde_json::{Value, json};

use super::{Stage, agent_file, project, task, with};

#[tokio::test]
async fn row_01_the_tool_is_offered_with_claude_codes_arguments() {
    let stage = Stage::of_agent("");
    let spec = stage.runtime.tool_spec();
    let schema = &spec.input_schema;
    assert_eq!((spec.name, &schema["type"]), ("Task", &json!("object")));
    assert_eq!(schema["required"], json!(["description", "prompt", "subagent_type"]));
    for (name, kind) in [
        ("description", "string"),
        ("prompt", "string"),
        ("subagent_type", "string"),
        ("model", "string"),
        ("resume", "string"),
        ("effort", "string"),
        ("isolation", "string"),
        ("run_in_background", "boolean"),
    ] {
        assert_eq!(schema["properties"][name]["type"], kind, "{name}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[tokio::test]
async fn row_02_a_call_of_agent_is_one_of_task() {
    let stage = Stage::of_agent("");
    for name in ["Task", "Agent"] {
        assert_eq!(stage.call(name, &task("worker", "go")).await.blocks[0], "done", "{name}");
    }
}

#[tokio::test]
async fn row_03_each_agent_has_its_line() {
    for (frontmatter, line) in [
        ("", "- worker: Works (Tools: All tools)"),
        ("tools: Read, Grep\n", "- worker: Works (Tools: Read, Grep)"),
        ("tools: []\n", "- worker: Works (Tools: None)"),
        ("disallowedTools: Bash, Write\n", "- worker: Works (Tools: All tools except Bash, Write)"),
    ] {
        let description = Stage::of_agent(frontmatter).runtime.tool_spec().description;
        assert!(description.lines().any(|known| known == line), "{line} in {description}");
    }
}

#[tokio::test]
async fn row_04_keys_that_nobody_knows_are_passed_over() {
    let stage = Stage::of_agent("");
    for (key, value) in
        [("zzz", json!(1)), ("team_name", json!("t")), ("mode", json!("plan")), ("max_turns", json!({}))]
    {
        let answer = stage.ask(&with(key, value)).await;
        assert_eq!((answer.blocks[0].as_str(), answer.is_error), ("done", false), "{key}");
    }
}

async fn refused(stage: &Stage, arguments: &Value, text: &str) {
    let expected = ToolAnswer { blocks: vec![text.to_owned()], is_error: true };
    assert_eq!(stage.ask(arguments).await, expected, "{arguments}");
}

fn invalid(issue: &str) -> String {
    let what = "InputValidationError: Task failed due to the following issue:";
    format!("<tool_use_error>{what}\n{issue}</tool_use_error>")
}

#[tokio::test]
async fn row_05_what_is_missing_is_named() {
    let stage = Stage::of_agent("");
    for name in ["prompt", "description"] {
        let text = invalid(&format!("The required parameter `{name}` is missing"));
        refused(&stage, &with(name, Value::Null), &text).await;
    }
    assert!(stage.mock.calls().is_empty());
}

#[tokio::test]
async fn row_06_a_wrong_type_is_named_with_the_right_one() {
    let stage = Stage::of_agent("");
    for (name, value, expected, provided) in [
        ("prompt", json!(5), "string", "number"),
        ("prompt", json!(["a"]), "string", "array"),
        ("description", json!(true), "string", "boolean"),
        ("subagent_type", json!({}), "string", "object"),
        ("model", json!(1), "string", "number"),
        ("resume", json!(7), "string", "number"),
        ("isolation", json!(true), "string", "boolean"),
        ("run_in_background", json!("true"), "boolean", "string"),
    ] {
        let issue =
            format!("The parameter `{name}` type is expected as `{expected}` but provided as `{provided}`");
        refused(&stage, &with(name, value), &invalid(&issue)).await;
    }
    assert!(stage.mock.calls().is_empty());
}

#[tokio::test]
async fn row_07_an_unknown_agent_is_answered_with_those_that_are_known() {
    let project = project();
    project.agent_file("code-reviewer", &agent_file("code-reviewer", ""));
    let stage = Stage::new(project, |_| Reply::text("done"));
    let known = "Available agents: code-reviewer, Explore, general-purpose, Plan";
    for (name, suggestion) in
        [("nope", "use one of these names"), ("code-reviewr", "did you mean 'code-reviewer'?")]
    {
        let text = format!("Agent type '{name}' not found. {known}\nSuggestion: {suggestion}");
        refused(&stage, &task(name, "go"), &text).await;
    }
    let other_case = stage.ask(&task("Code-Reviewer", "go")).await;
    assert_eq!(other_case.blocks[0], "done", "letters may be large or small");
    let none = stage.ask(&json!({"description": "d", "prompt": "go"})).await;
    assert_eq!(none.blocks[0], "done", "without a type it is for general-purpose");
}
