//! An app-server that does what no app-server should, and one that asks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::project::{Project, binary, wait_until};

/// The first three answers: who it is, its thread, its turn.
const OPENING: &str = r#"
read -r line; echo '{"id":1,"result":{"userAgent":"codex-task/0.169.0 (x)"}}'
read -r line; read -r line; printf '%s\n' "$line" > thread.json
echo '{"id":2,"result":{"thread":{"id":"T"},"model":"m","sandbox":{"type":"workspaceWrite"}}}'
read -r line; echo '{"id":3,"result":{"turn":{"id":"U"}}}'
"#;

/// A project with a Codex that plays this shell script.
fn scripted(script: &str) -> Project {
    let project = Project::new();
    project.write("project/codex", &format!("#!/bin/sh\n{script}\n"));
    let program = project.dir().join("codex");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    project
}

fn command(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(binary());
    command.args(["codex", "--codex", "./codex", "--no-record"]).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(project, arguments).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// The text as if lines were of any length.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_app_server_that_cannot_be_worked_with_is_one_clear_error() {
    let refuses =
        r#"read -r line; echo '{"id":1,"error":{"code":1,"message":"not today"}}'; cat > /dev/null"#;
    let old = r#"read -r line; echo '{"id":1,"result":{"userAgent":"codex-task/0.98.0"}}'; cat > /dev/null"#;
    let no_tools = r#"
        read -r line; echo '{"id":1,"result":{"userAgent":"somebody/else"}}'
        read -r line; read -r line; echo '{"id":2,"error":{"code":1,"message":"unknown field `dynamicTools`"}}'
        cat > /dev/null"#;
    let dies_later = format!("{OPENING}\necho 'out of luck' >&2; exit 7");
    for (script, error, cause) in [
        ("echo Welcome; cat > /dev/null", "app-server said cannot be understood", "Welcome"),
        ("echo '[1]'; cat > /dev/null", "app-server said cannot be understood", "[1]"),
        ("exit 0", "Codex ended before the turn was over", ""),
        (
            "echo \"error: unrecognized subcommand 'app-server'\" >&2; exit 2",
            "Codex ended before the turn was over",
            "unrecognized subcommand",
        ),
        (refuses, "Codex refused initialize", "Not today"),
        (old, "This Codex is too old", "0.98"),
        (&dies_later, "Codex ended before the turn was over", "out of luck"),
        (
            r#"[ "$1" = --version ] && echo 'codex-cli 0.42.1' || { echo "unrecognized subcommand" >&2; exit 2; }"#,
            "This Codex is too old",
            "It is version 0.42; front ends can bring tools along since 0.169",
        ),
        (
            no_tools,
            "This Codex is too old",
            "unknown field `dynamicTools`; front ends can bring tools along since 0.169",
        ),
    ] {
        let project = scripted(script);
        let (code, out, err) = run(&project, &["go"]);
        assert_eq!((code, &*out), (Some(1), ""), "{script}: {err}");
        assert!(
            err.contains(error) && unwrapped(&err).contains(cause) && err.contains("Suggestion: "),
            "{script}: {err}"
        );
        wait_until("all processes are gone", || project.programs().is_empty());
    }
}

#[test]
fn a_codex_that_is_missing_is_told_with_how_to_install_it() {
    let project = Project::new();
    let (code, out, err) = run(&project, &["go"]);
    assert_eq!((code, &*out), (Some(1), ""));
    for line in
        ["Error: The Codex CLI was not found", "Cause: ", "npm install -g @openai/codex", "Fallback: "]
    {
        assert!(err.contains(line), "{line} in {err}");
    }
}

#[test]
fn whatever_codex_asks_is_declined_where_nobody_can_be_asked() {
    let ask = |id: u32, method: &str, params: Value| {
        format!(
            "echo '{}'\nread -r line; printf '%s\\n' \"$line\" >> answers",
            json!({"id": id, "method": method, "params": params})
        )
    };
    let script = [
        OPENING.to_owned(),
        ask(0, "item/commandExecution/requestApproval", json!({"command": "rm -r x", "itemId": "c"})),
        ask(1, "item/fileChange/requestApproval", json!({"itemId": "f"})),
        ask(2, "item/permissions/requestApproval", json!({"permissions": {"network": {"enabled": true}}})),
        ask(3, "mcpServer/elicitation/request", json!({})),
        ask(4, "item/tool/requestUserInput", json!({})),
        ask(5, "something/new", json!({})),
        ask(6, "item/tool/call", json!({"threadId": "T", "tool": "Launch", "arguments": {}})),
        ask(7, "item/tool/call", json!({"threadId": "T", "tool": "Task", "arguments": {"prompt": 1}})),
        r#"echo '{"method":"item/completed","params":{"item":{"type":"agentMessage","text":"The answer"}}}'"#
            .to_owned(),
        r#"echo '{"method":"turn/completed","params":{"threadId":"other","turn":{"status":"failed"}}}'"#
            .to_owned(),
        r#"echo '{"method":"turn/completed","params":{"threadId":"T","turn":{"status":"completed"}}}'"#
            .to_owned(),
        "cat > /dev/null".to_owned(),
    ];
    let project = scripted(&script.join("\n"));
    let (code, out, err) = run(&project, &["--sandbox", "workspace-write", "-m", "gpt-6-sol", "go"]);
    assert_eq!((code, &*out), (Some(0), "The answer\n"), "{err}");
    let answers = fs::read_to_string(project.dir().join("answers")).expect("it was answered");
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let decline = json!({"decision": "decline"});
    assert_eq!([&answers[0]["result"], &answers[1]["result"]], [&decline, &decline]);
    assert_eq!(answers[2]["result"], json!({"permissions": {}, "scope": "turn"}));
    assert_eq!(answers[3]["result"], json!({"action": "decline"}));
    assert_eq!(answers[4]["result"], json!({"answers": {}}));
    assert_eq!(answers[5]["error"]["code"], -32_601);
    assert_eq!(
        (&answers[6]["result"]["success"], &answers[7]["result"]["success"]),
        (&json!(false), &json!(false))
    );
    let text = &answers[7]["result"]["contentItems"][0]["text"];
    assert!(text.as_str().is_some_and(|text| text.contains("InputValidationError")), "{text}");
    let thread = fs::read_to_string(project.dir().join("thread.json")).expect("a thread was asked for");
    let thread: Value = serde_json::from_str(&thread).expect("JSON");
    let tools = thread["params"]["dynamicTools"].as_array().expect("tools");
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["Task", "TaskOutput", "TaskStop"]);
    assert_eq!(
        (&thread["params"]["sandbox"], &thread["params"]["model"]),
        (&json!("workspace-write"), &json!("gpt-6-sol"))
    );
}

#[test]
fn a_turn_that_fails_says_why_to_people_and_to_programs() {
    let failed = r#"echo '{"method":"turn/completed","params":{"threadId":"T","turn":{"status":"failed","error":{"message":"no credit"}}}}'"#;
    let project = scripted(&format!("{OPENING}\n{failed}\ncat > /dev/null"));
    let (code, out, err) = run(&project, &["--json", "go"]);
    let ending: Value = serde_json::from_str(&out).expect("one object");
    assert_eq!((code, &ending["status"], &ending["error"]), (Some(1), &json!("failed"), &json!("no credit")));
    assert!(err.contains("Codex's turn failed") && err.contains("No credit"), "{err}");
}

#[test]
fn a_codex_that_reacts_to_nothing_is_ended_after_an_interruption() {
    let script = format!("trap '' TERM INT\n{OPENING}\ntouch begun; while :; do sleep 600; done");
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let project = scripted(&script);
        let mut running = command(&project, &["go"]).stderr(Stdio::null()).spawn().expect("it starts");
        wait_until("the turn has begun", || project.dir().join("begun").exists());
        let began = Instant::now();
        let sent = Command::new("kill").args([signal, &running.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        assert_eq!(running.wait().expect("it ends").code(), Some(expected));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        wait_until("all processes are gone", || project.programs().is_empty());
    }
}
