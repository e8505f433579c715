//! Rows 15 to 22: which tools an agent is offered, and what becomes of calls of others.

use codex_task_tests::Reply;
use serde_json::json;

use super::{Stage, agent_file, messages, project};
use crate::harness::TestTool;

/// The built-in tools, in the order in which they are offered.
const BUILT_IN: [&str; 14] = [
    "Bash",
    "BashOutput",
    "Edit",
    "Glob",
    "Grep",
    "KillShell",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "Read",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Write",
];
/// Tools of a server, as the session has them.
const OF_SERVER: [&str; 2] = ["mcp__srv__add", "mcp__srv__echo"];

/// The tools that an agent of this frontmatter is offered, or the refusal.
async fn offered(frontmatter: &str) -> Result<Vec<String>, String> {
    let project = project();
    project.agent_file("worker", &agent_file("worker", frontmatter));
    let server = OF_SERVER.map(|name| TestTool::reading(name, |_| async { Ok("x".to_owned()) }).shared());
    let stage = Stage::with(
        project,
        |_| Reply::text("done"),
        |builder| server.into_iter().fold(builder, codex_task::RuntimeBuilder::tool),
    );
    let answer = stage.ask_worker("go").await;
    if answer.is_error { Err(answer.blocks[0].clone()) } else { Ok(stage.only_request().tools()) }
}

async fn check(cases: &[(&str, &[&str])]) {
    for (frontmatter, expected) in cases {
        let found = offered(frontmatter).await.expect("it runs");
        assert_eq!(found, *expected, "{frontmatter}");
    }
}

/// All tools but these.
fn all_but(names: &[&str]) -> Vec<&'static str> {
    BUILT_IN.into_iter().chain(OF_SERVER).filter(|name| !names.contains(name)).collect()
}

#[tokio::test]
async fn row_15_a_list_is_what_is_offered() {
    check(&[
        ("tools: Read, Grep\n", &["Grep", "Read"]),
        ("tools: Read Grep\n", &["Grep", "Read"]),
        ("tools: Read, NonExistentTool\n", &["Read"]),
        ("tools: Read, Task\n", &["Read"]),
        ("tools: Read, Bash(git:*)\n", &["Bash", "Read"]),
    ])
    .await;
}

#[tokio::test]
async fn row_16_without_a_list_everything_is_offered_servers_included_and_no_task() {
    let all = all_but(&[]);
    check(&[("", &all), ("tools: \"*\"\n", &all), ("tools: *\n", &all), ("tools: Read, *\n", &all)]).await;
}

#[tokio::test]
async fn row_17_an_empty_list_is_no_tools_and_the_agent_runs() {
    check(&[("tools: []\n", &[]), ("tools: \"\"\n", &[]), ("tools:\n", &[])]).await;
}

#[tokio::test]
async fn row_18_lists_may_be_yamls_own() {
    check(&[
        ("tools: [Read, Grep]\n", &["Grep", "Read"]),
        ("tools:\n  - Read\n  - Grep\n", &["Grep", "Read"]),
        ("tools:\n\t- Read\n", &["Read"]),
    ])
    .await;
}

#[tokio::test]
async fn row_19_a_list_that_comes_to_nothing_is_refused_and_names_what_it_said() {
    for (list, named) in [
        ("read, bash", "unrecognized [read, bash]"),
        ("Nope", "unrecognized [Nope]"),
        ("Task", "not provided here [Task]"),
        ("mcp__other", "not provided here [mcp__other]"),
    ] {
        let refusal = offered(&format!("tools: {list}\n")).await.expect_err("it is refused");
        let text = format!(
            "Agent 'worker' would be spawned with zero tools — refusing. Its tools list resolved to nothing: {named}. Fix \
             the agent's tools frontmatter or pass a different subagent_type."
        );
        assert_eq!(refusal.lines().next(), Some(text.as_str()));
    }
}

#[tokio::test]
async fn row_20_a_call_of_a_tool_outside_the_list_is_an_error_that_the_agent_reads() {
    for tool in ["Bash", "Task", "Nope"] {
        let project = project();
        project.agent_file("worker", &agent_file("worker", "tools: Read\n"));
        let stage = Stage::new(project, move |call| match call.nth {
            0 => Reply::tool(tool, json!({"command": "ls"})),
            _ => Reply::text("went on"),
        });
        assert_eq!(stage.ask_worker("go").await.blocks[0], "went on");
        let calls = stage.mock.calls();
        let last = messages(&calls[1]).pop().expect("a result");
        assert!(last.1[0].contains(&format!("Error: No such tool available: {tool}")), "{last:?}");
        assert_eq!(calls[1].turns().last().expect("a turn")["content"][0]["is_error"], true);
    }
}

#[tokio::test]
async fn row_21_a_servers_tools_are_named_one_by_one_or_all_at_once() {
    check(&[
        ("tools: mcp__srv__echo\n", &["mcp__srv__echo"]),
        ("tools: mcp__srv\n", &OF_SERVER),
        ("tools: mcp__srv__*\n", &OF_SERVER),
        ("tools: Read, mcp__srv\n", &["Read", "mcp__srv__add", "mcp__srv__echo"]),
    ])
    .await;
}

#[tokio::test]
async fn row_22_what_is_disallowed_is_not_offered_even_if_the_list_names_it() {
    let without = all_but(&["Bash", "Write"]);
    check(&[
        ("disallowedTools: Bash, Write\n", &without),
        ("disallowedTools: [Bash, Write]\n", &without),
        ("disallowedTools: mcp__srv__*\n", &BUILT_IN),
        ("tools: Read, Bash\ndisallowedTools: Bash\n", &["Read"]),
    ])
    .await;
}
