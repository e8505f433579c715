//! What Codex says about its session is honoured: a read-only sandbox, and calls of its own subagents.

use codex_task_tests::{Mock, Reply};
use serde_json::{Value, json};

use crate::client::{Answer, Client, task};
use crate::project::{Project, model};

/// A model that writes a file, and reports what came of it.
fn writer() -> Mock {
    model(|call| match call.tool_results().first() {
        None => Reply::tool("Write", json!({"file_path": "made.txt", "content": "made"})),
        Some(result) => Reply::text(result.clone()),
    })
}

fn project(mock: &Mock) -> Project {
    let project = Project::on(mock).agent("writer", "description: Writes\ntools: Write\n");
    let settings = json!({"permissions": {"allow": ["Edit(./made.txt)"]}});
    project.write("project/.claude/settings.json", &settings.to_string());
    project
}

fn turn(turn: &Value) -> Value {
    json!({"progressToken": 1, "x-codex-turn-metadata": turn})
}

fn ask(client: &mut Client, metadata: &Value) -> Answer {
    client.ask_with("Task", &task("writer", "Write made.txt"), &turn(metadata))
}

#[test]
fn a_read_only_sandbox_of_codex_is_one_for_the_agents_too() {
    let mock = writer();
    let project = project(&mock);
    let mut client =
        Client::greet_as(&project, "codex-mcp-client", &["--permission-mode", "bypassPermissions"]);
    let refused = ask(&mut client, &json!({"sandbox_mode": "read-only", "thread_source": "user"}));
    assert!(!refused.is_error && refused.text().contains("denied"), "{refused:?}");
    assert!(refused.text().contains("The permission mode is plan, which changes nothing."), "{refused:?}");
    assert!(!project.dir().join("made.txt").exists());
    let written = ask(&mut client, &json!({"sandbox_mode": "workspace-write", "thread_source": "user"}));
    assert!(project.dir().join("made.txt").exists(), "{written:?}");
}

#[test]
fn what_the_settings_do_not_allow_codex_cannot_allow() {
    let mock = writer();
    let project = Project::on(&mock).agent("writer", "description: Writes\ntools: Write\n");
    project.write("project/codex-task.yaml", "sandbox: read-only\n");
    let mut client = Client::greet_as(&project, "codex-mcp-client", &[]);
    let refused = ask(&mut client, &json!({"sandbox_mode": "danger-full-access"}));
    assert!(refused.text().contains("The sandbox mode is read-only, which changes nothing."), "{refused:?}");
    assert!(!project.dir().join("made.txt").exists());
}

#[test]
fn codexs_own_subagents_start_none_of_ours_unless_the_user_says_so() {
    let mock = model(|_| Reply::text("done"));
    let project = Project::on(&mock).agent("writer", "description: Writes\n");
    let child = json!({"thread_source": "subagent", "subagent_kind": "thread_spawn", "sandbox_mode": "workspace-write"});
    let mut client = Client::greet_as(&project, "codex-mcp-client", &[]);
    let refused = ask(&mut client, &child);
    assert!(refused.is_error, "{refused:?}");
    assert!(
        refused.text().contains("(limits.max_depth is 1)\nSuggestion: do the work yourself"),
        "{refused:?}"
    );
    assert_eq!(mock.calls().len(), 0);
    project.write("home/.config/codex-task/config.yaml", "local: {probe: false}\nlimits: {max_depth: 2}\n");
    let mut client = Client::greet_as(&project, "codex-mcp-client", &[]);
    assert_eq!(ask(&mut client, &child).text(), "done");
}
