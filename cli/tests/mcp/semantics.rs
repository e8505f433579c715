//! Claude Code's Task tool to the letter: the rows of the checklist that are about a single call.

use codex_task_tests::{Mock, Reply};
use serde_json::{Value, json};

use crate::client::{Answer, Client, task};
use crate::project::{Project, model, task_of};

/// A model whose report is about the task.
fn echo() -> Mock {
    model(|call| Reply::text(format!("Report: {}", task_of(call))))
}

fn invalid(issue: &str) -> Vec<String> {
    vec![format!(
        "<tool_use_error>InputValidationError: Task failed due to the following issue:\n{issue}</tool_use_error>"
    )]
}

#[test]
fn rows_2_to_7_wrong_and_odd_calls() {
    let mock = echo();
    let mut client = Client::greet(&Project::on(&mock).agent("reviewer", "description: Reviews\n"));
    let with = |name: &str, value: Value| {
        let mut arguments = task("reviewer", "x");
        arguments[name] = value;
        arguments
    };
    let without = |name: &str| {
        let mut arguments = task("reviewer", "x");
        arguments.as_object_mut().expect("an object").remove(name);
        arguments
    };
    // Row 2: the other name. Row 4: an unknown key. And an agent's name in other letters.
    for (tool, arguments) in [
        ("Agent", task("reviewer", "x")),
        ("Task", with("zzz", json!(1))),
        ("Task", with("subagent_type", json!("Reviewer"))),
        ("Task", without("subagent_type")),
    ] {
        let answer = client.ask(tool, &arguments);
        assert_eq!((answer.text(), answer.is_error), ("Report: x", false), "{tool} {arguments}");
    }
    let known = "Explore, general-purpose, Plan, reviewer";
    let unknown = |name: &str, suggestion: &str| {
        vec![format!("Agent type '{name}' not found. Available agents: {known}\nSuggestion: {suggestion}")]
    };
    for (arguments, blocks) in [
        // Row 5: a parameter is missing.
        (without("prompt"), invalid("The required parameter `prompt` is missing")),
        (without("description"), invalid("The required parameter `description` is missing")),
        // Row 6: a wrong type.
        (
            with("prompt", json!(5)),
            invalid("The parameter `prompt` type is expected as `string` but provided as `number`"),
        ),
        (
            with("run_in_background", json!("true")),
            invalid(
                "The parameter `run_in_background` type is expected as `boolean` but provided as `string`",
            ),
        ),
        // Row 7: an unknown agent.
        (with("subagent_type", json!("nope")), unknown("nope", "use one of these names")),
        (with("subagent_type", json!("reviwer")), unknown("reviwer", "did you mean 'reviewer'?")),
    ] {
        assert_eq!(client.ask("Task", &arguments), Answer { blocks, is_error: true }, "{arguments}");
    }
    assert_eq!(mock.calls().len(), 4, "only calls without a mistake reach a model");
}

#[test]
fn row_10_the_last_text_is_the_result_and_then_comes_the_agents_id() {
    let mock = model(|call| match call.nth {
        0 => Reply::tool("Glob", json!({"pattern": "*"})),
        _ => Reply::text("The whole report"),
    });
    let mut client = Client::greet(&Project::on(&mock));
    let answer = client.ask("Task", &task("general-purpose", "x"));
    assert_eq!((answer.text(), answer.blocks.len(), answer.is_error), ("The whole report", 2, false));
    assert_eq!(answer.blocks[1], format!("agentId: {}", answer.agent_id()));
}

#[test]
fn a_failure_is_an_error_with_its_reason_a_suggestion_and_what_was_written() {
    let mock = model(|call| match (task_of(call).as_str(), call.tool_results().len()) {
        ("bad", _) => Reply::status(400, "mock bad request"),
        (_, 0) => Reply::tool("Glob", json!({"pattern": "*"})),
        _ => Reply::status(400, "mock bad request"),
    });
    let mut client = Client::greet(&Project::on(&mock));
    for prompt in ["bad", "bad after a tool"] {
        let answer = client.ask("Task", &task("general-purpose", prompt));
        let text = answer.text();
        assert!(
            answer.is_error && text.starts_with("Agent terminated early due to an API error: "),
            "{text}"
        );
        assert!(text.contains("mock bad request"), "{text}");
        assert_eq!(answer.blocks[1], format!("agentId: {}", answer.agent_id()));
    }
}

#[test]
fn a_missing_provider_is_said_to_the_model_that_called() {
    let mut client = Client::greet(&Project::new());
    let answer = client.ask("Task", &task("general-purpose", "x"));
    assert!(answer.is_error && answer.blocks.len() == 1, "{answer:?}");
    assert!(answer.text().contains("no model provider is configured\nSuggestion: "), "{answer:?}");
}

#[test]
fn the_calls_model_and_effort_beat_the_files() {
    let mock = echo();
    let project = Project::on(&mock).agent("reviewer", "description: Reviews\nmodel: opus\n");
    let mut client = Client::greet(&project);
    let mut arguments = task("reviewer", "x");
    arguments["model"] = json!("claude-haiku-5-5");
    client.ask("Task", &arguments);
    client.ask("Task", &task("reviewer", "x"));
    let models: Vec<String> = mock.calls().iter().map(codex_task_tests::Call::model).collect();
    assert_eq!(models, ["claude-haiku-5-5", "claude-opus-5-5"]);
}

#[test]
fn a_report_that_the_client_would_cut_is_saved_and_shown_in_part() {
    let report: String = (0..2_000).map(|n| format!("finding {n}; ")).collect::<Vec<_>>().concat();
    let sent = report.clone();
    let mock = model(move |_| Reply::text(sent.clone()));
    let project = Project::on(&mock);
    let mut client = Client::greet_as(&project, "codex-mcp-client", &[]);
    let turn =
        |model: &str| json!({"x-codex-turn-metadata": {"model": model, "sandbox_mode": "workspace-write"}});
    let whole = client.ask_with("Task", &task("general-purpose", "x"), &turn("gpt-5.5"));
    assert_eq!(whole.text(), report);
    let answer = client.ask_with("Task", &task("general-purpose", "x"), &turn("mock"));
    assert!(answer.blocks.iter().map(String::len).sum::<usize>() <= 11_500, "{}", answer.text().len());
    assert!(
        answer.text().starts_with("finding 0; ") && answer.text().ends_with("finding 1999; "),
        "{answer:?}"
    );
    let path = project.home().join(format!(".local/state/codex-task/reports/{}.md", answer.agent_id()));
    assert!(answer.text().contains(&path.display().to_string()), "{answer:?}");
    assert_eq!(std::fs::read_to_string(path).expect("the report is saved"), report);
}
