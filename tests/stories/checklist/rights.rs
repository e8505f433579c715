//! Row 33: the session's rules apply to agents unchanged.

use codex_task_tests::Reply;
use serde_json::{Value, json};

use super::{Stage, agent_file, messages, project};

/// An agent that makes this call, under these rules.
fn stage(settings: &str, frontmatter: &str, tool: &'static str, arguments: Value) -> Stage {
    let project = project();
    project.agent_file("worker", &agent_file("worker", frontmatter));
    project.file("a.txt", "content");
    project.file("secrets/key.txt", "canary");
    project.file(".claude/settings.json", settings);
    Stage::new(project, move |call| match call.nth {
        0 => Reply::tool(tool, arguments.clone()),
        _ => Reply::text("went on"),
    })
}

/// What an agent reads after a call, under these rules; `is_error` with it.
async fn result(settings: &str, frontmatter: &str, tool: &'static str, arguments: Value) -> (String, bool) {
    let stage = stage(settings, frontmatter, tool, arguments);
    assert_eq!(stage.ask_worker("go").await.blocks[0], "went on");
    let calls = stage.mock.calls();
    let block = calls[1].turns().last().expect("a turn")["content"][0].clone();
    let text = messages(&calls[1]).pop().expect("a result").1.remove(0);
    (text, block["is_error"] == true)
}

#[tokio::test]
async fn row_33_deny_comes_first_then_ask_then_allow_and_settings_that_are_broken_refuse_everything() {
    let rules = json!({"permissions": {
        "allow": ["Bash(echo:*)", "Bash(git push:*)", "Bash(curl:*)", "Read"],
        "ask": ["Bash(git push:*)"],
        "deny": ["Read(./secrets/**)", "Bash(curl:*)"],
    }})
    .to_string();
    let bash = |command: &str| json!({"command": command});
    let file = |path: &str| json!({"file_path": path});
    for (settings, frontmatter, tool, arguments, allowed, words) in [
        (rules.as_str(), "", "Bash", bash("echo hello"), true, "hello"),
        (&rules, "", "Bash", bash("curl x"), false, "denied"),
        (&rules, "", "Bash", bash("echo a && curl x"), false, "denied"),
        (&rules, "", "Bash", bash("git push"), false, "git push"),
        (&rules, "", "Read", file("a.txt"), true, "content"),
        (&rules, "", "Read", file("secrets/key.txt"), false, "denied"),
        (&rules, "", "Bash", bash("cat secrets/key.txt"), false, "denied"),
        (&rules, "", "Bash", bash("grep -r can ."), false, ""),
        (&rules, "permissionMode: bypassPermissions\n", "Bash", bash("curl x"), false, "denied"),
        (&rules, "permissionMode: bypassPermissions\n", "Read", file("secrets/key.txt"), false, "denied"),
        (
            &rules,
            "permissionMode: plan\n",
            "Write",
            json!({"file_path": "b.txt", "content": "x"}),
            false,
            "plan",
        ),
    ] {
        let (text, is_error) = result(settings, frontmatter, tool, arguments.clone()).await;
        assert!(!text.contains("canary"), "{arguments}: {text}");
        if words.is_empty() {
            continue; // held back by the sandbox or by the gate: either will do, as long as nothing is read
        }
        assert_eq!(is_error, !allowed, "{tool} {arguments}: {text}");
        assert!(text.contains(words), "{tool} {arguments}: {text}");
    }
    let stage = stage("{broken", "", "Read", file("a.txt"));
    let answer = stage.ask_worker("go").await;
    assert!(answer.blocks[0].contains("cannot be read, so nothing runs"), "{:?}", answer.blocks);
    assert!(stage.mock.calls().is_empty(), "no model is asked");
}
