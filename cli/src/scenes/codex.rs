//! A person before `codex-task codex`: the words after a no reach Codex's model, or are said not to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use codex_task_tests::{CodexMock, CodexReply, Peer};
use serde_json::{Value, json};

use super::Stage;

/// A Codex that asks, adds to its turn what is answered here, and ends.
fn scripted(steering: &str) -> Stage {
    let asked = json!({"id": 7, "method": "item/commandExecution/requestApproval",
        "params": {"threadId": "T", "turnId": "U", "itemId": "c", "command": "rm -r x"}});
    let script = format!(
        r#"#!/bin/sh
read -r line; echo '{{"id":1,"result":{{"userAgent":"codex-task/0.169.0 (x)"}}}}'
read -r line; read -r line; echo '{{"id":2,"result":{{"thread":{{"id":"T"}},"model":"m"}}}}'
read -r line; echo '{{"id":3,"result":{{"turn":{{"id":"U"}}}}}}'
echo '{asked}'
read -r line; printf '%s\n' "$line" > steered
read -r line; printf '%s\n' "$line" > answered
echo '{{"id":4,{steering}}}'
echo '{{"method":"turn/completed","params":{{"threadId":"T","turn":{{"status":"completed"}}}}}}'
cat > /dev/null
"#
    );
    let stage = Stage::new().file("codex", &script).model("rules: []\n").terminal(100);
    fs::set_permissions(stage.project().join("codex"), fs::Permissions::from_mode(0o755))
        .expect("it is ours");
    stage
}

#[test]
fn words_after_a_no_are_added_to_the_turn_or_said_to_be_lost() {
    for (steering, is_lost) in
        [(r#""result":{"turnId":"U"}"#, false), (r#""error":{"code":1,"message":"unknown method"}"#, true)]
    {
        let stage = scripted(steering).typing(&["n keep x"]);
        let played = stage.play(&["codex", "--codex", "./codex", "--no-record", "go"]);
        assert_eq!(played.exit, 0, "{}", played.err);
        let read = |name: &str| -> Value {
            let text = fs::read_to_string(stage.project().join(name)).expect("it was said");
            serde_json::from_str(&text).expect("JSON")
        };
        let input = json!([{"type": "text", "text": "I said no to exec_command (rm -r x): keep x"}]);
        let steered = json!({"threadId": "T", "expectedTurnId": "U", "input": input});
        assert_eq!(read("steered"), json!({"id": 4, "method": "turn/steer", "params": steered}));
        assert_eq!(read("answered"), json!({"id": 7, "result": {"decision": "decline"}}));
        let warning = "Codex's model does not read your words, only that the answer is no: unknown method";
        assert_eq!(played.err.contains(warning), is_lost, "{}", played.err);
    }
}

#[test]
fn the_real_codex_hands_the_words_to_its_model() {
    let Some(codex) = Peer::Codex.find() else { return };
    let escalated = json!({
        "cmd": "touch made.txt", "sandbox_permissions": "require_escalated", "justification": "because",
    });
    let parent = CodexMock::start(move |request| {
        if request.outputs().is_empty() {
            CodexReply::Tools { name: "exec_command", calls: vec![escalated.clone()] }
        } else {
            CodexReply::Text("All is done.".to_owned())
        }
    });
    let path = std::env::join_paths(std::env::split_paths(env!("PATH"))).expect("a path");
    let stage = Stage::new()
        .file("home/config.toml", &parent.config("mock"))
        .model("rules: []\n")
        .variable("PATH", &path.to_string_lossy())
        .variable("STORY_KEY", "sk-parent")
        .terminal(100)
        .typing(&["n use mkdir instead"]);
    let home = stage.project().join("home").display().to_string();
    let stage = stage.variable("CODEX_HOME", &home);
    let codex = codex.display().to_string();
    let words = ["codex", "--codex", &codex, "--no-record", "--sandbox", "workspace-write"];
    let words: Vec<&str> = words.into_iter().chain(["-c", "approval_policy=\"on-request\"", "go"]).collect();
    let played = stage.play(&words);
    assert_eq!((played.exit, played.out.as_str()), (0, "All is done.\n"), "{}", played.err);
    let requests = parent.requests();
    let last = requests.last().expect("a request").everything();
    assert!(
        last.contains("I said no to exec_command (/bin/bash -lc 'touch made.txt'): use mkdir instead"),
        "{last}"
    );
    assert!(!stage.project().join("made.txt").exists());
}
