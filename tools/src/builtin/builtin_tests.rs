//! The tools behind the gate, as an agent calls them.

use std::path::Path;
use std::time::Duration;

use codex_task_config::{PROVIDED_TOOLS, PermissionMode, RuleBehavior, ToolSelection};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::*;
use crate::gate::testing::Bench;
use crate::{ToolReply, ToolSet, Toolbox};

fn tools(bench: &Bench) -> ToolSet {
    let toolbox = Toolbox::new(builtin_tools());
    toolbox.resolve(&ToolSelection::Inherit, &[], &bench.rights, bench.session.clone()).unwrap().tool_set
}

async fn call(tools: &ToolSet, name: &str, arguments: Value) -> ToolReply {
    tools.call(name, &arguments.to_string()).await
}

async fn fine(tools: &ToolSet, name: &str, arguments: Value) -> String {
    let reply = call(tools, name, arguments).await;
    assert!(!reply.is_error, "{}", reply.text);
    reply.text
}

async fn error(tools: &ToolSet, name: &str, arguments: Value) -> String {
    let reply = call(tools, name, arguments).await;
    assert!(reply.is_error, "{}", reply.text);
    reply.text
}

#[test]
fn all_provided_tools_are_here_with_closed_schemas() {
    let tools = builtin_tools();
    let mut names: Vec<&str> = tools.iter().map(|tool| tool.definition().name.as_str()).collect();
    let mut provided = PROVIDED_TOOLS.to_vec();
    names.sort_unstable();
    provided.sort_unstable();
    assert_eq!(names, provided);
    for tool in &tools {
        let definition = tool.definition();
        let schema: Value = serde_json::from_str(definition.input_schema.get()).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false), "{}", definition.name);
        assert!(jsonschema::validator_for(&schema).is_ok(), "{}", definition.name);
        assert!((100..1_000).contains(&definition.description.len()), "{}", definition.name);
    }
}

/// They are part of the cached beginning of every request: a change costs each user the cache once.
#[test]
fn the_definitions_change_on_purpose_only() {
    let mut tools = builtin_tools();
    tools.sort_by(|a, b| a.definition().name.cmp(&b.definition().name));
    let texts: Vec<String> = tools
        .iter()
        .map(|tool| {
            let definition = tool.definition();
            format!("{}\n{}\n{}\n", definition.name, definition.description, definition.input_schema.get())
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[tokio::test]
async fn an_agent_finds_reads_changes_and_runs() {
    let bench = Bench::new(PermissionMode::BypassPermissions, &[]);
    bench.file("src/greet.sh", "echo 'hello word'\n");
    let tools = tools(&bench);
    assert_eq!(fine(&tools, "Glob", json!({"pattern": "**/*.sh"})).await, "src/greet.sh");
    assert_eq!(
        fine(&tools, "Grep", json!({"pattern": "word", "output_mode": "content"})).await,
        "src/greet.sh:1:echo 'hello word'"
    );
    assert_eq!(fine(&tools, "Read", json!({"file_path": "src/greet.sh"})).await, "     1→echo 'hello word'");
    let edit = json!({"file_path": "src/greet.sh", "old_string": "word", "new_string": "world"});
    assert!(fine(&tools, "Edit", edit).await.ends_with("     1→echo 'hello world'"));
    assert_eq!(fine(&tools, "Bash", json!({"command": "bash src/greet.sh"})).await, "hello world");
    assert!(
        fine(&tools, "Write", json!({"file_path": "notes.md", "content": "done"})).await.contains("created")
    );
    let listing = fine(&tools, "LS", json!({"path": "."})).await;
    assert!(listing.ends_with("/proj/\n  - notes.md\n  - src/\n    - greet.sh"), "{listing}");
}

#[tokio::test]
async fn errors_of_a_call_stand_in_claude_codes_tag() {
    let bench = Bench::new(PermissionMode::AcceptEdits, &[]);
    bench.file("f", "x");
    let tools = tools(&bench);
    for (name, arguments, expected) in [
        (
            "Write",
            json!({"file_path": "f", "content": "y"}),
            "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>",
        ),
        ("Read", json!({"file_path": "g"}), "<tool_use_error>File does not exist."),
        (
            "Read",
            json!({"file_path": "f", "lines": 3}),
            "<tool_use_error>InputValidationError: Read failed due to the following issue:\nAn unexpected parameter `lines` was provided</tool_use_error>",
        ),
    ] {
        let text = error(&tools, name, arguments).await;
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn what_the_gate_refuses_no_tool_gives_away() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")]);
    bench.file("secrets/key", "canary\n");
    bench.file("open", "canary\n");
    std::os::unix::fs::symlink("secrets/key", bench.root().join("alias")).unwrap();
    let tools = tools(&bench);
    for (name, arguments) in [
        ("Read", json!({"file_path": "secrets/key"})),
        ("Read", json!({"file_path": "alias"})),
        ("Grep", json!({"pattern": "canary", "path": "secrets"})),
        ("Glob", json!({"pattern": "secrets/*"})),
        ("LS", json!({"path": "secrets"})),
        ("Bash", json!({"command": "cat secrets/key"})),
        ("Edit", json!({"file_path": "secrets/key", "old_string": "canary", "new_string": "x"})),
        ("Write", json!({"file_path": "new", "content": "x"})),
        ("Bash", json!({"command": "touch new"})),
        ("Read", json!({"file_path": "/etc/passwd"})),
        ("Grep", json!({"pattern": "root", "path": "/etc"})),
    ] {
        let text = error(&tools, name, arguments.clone()).await;
        assert!(!text.contains("canary") && !text.contains("key\n"), "{name} {arguments}: {text}");
    }
    assert_eq!(fine(&tools, "Grep", json!({"pattern": "canary"})).await, "Found 1 file\nopen");
    assert_eq!(fine(&tools, "Glob", json!({"pattern": "**"})).await, "open");
    assert!(!fine(&tools, "LS", json!({"path": "."})).await.contains("secrets"));
    assert!(!bench.root().join("new").exists());
}

#[tokio::test]
async fn cancelling_the_session_ends_a_running_command() {
    let bench = Bench::new(PermissionMode::BypassPermissions, &[]);
    let tools = tools(&bench);
    let (started, ended) = (bench.root().join("started"), bench.root().join("ended"));
    let command = "trap 'touch ended; exit' TERM; touch started; while :; do sleep 0.01; done";
    let cancel = tools.session().cancel.clone();
    let appears = async |path: &Path| {
        let is_there = async {
            while !path.exists() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(30), is_there).await.expect("the file appears");
    };
    let call = call(&tools, "Bash", json!({ "command": command }));
    let (reply, ()) = tokio::join!(call, async {
        appears(&started).await;
        cancel.cancel();
    });
    assert_eq!(reply, ToolReply::error("cancelled"));
    appears(&ended).await;
}
