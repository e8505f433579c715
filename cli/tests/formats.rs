//! The built command against a strict mock of each wire format, configured as its users configure it.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::{Value, json};

const MODEL: &str = "mock-model";

/// Reads a file, then reports what stands in it.
fn reviewer(call: &Call) -> Reply {
    match call.tool_results().first() {
        None => Reply::tool("Read", json!({"file_path": "auth.rs"})),
        Some(read) if read.contains("let password") => Reply::text("1 security issue found"),
        Some(other) => Reply::text(format!("the file was not read: {other}")),
    }
}

/// A project with one agent on a mock; keys and base URLs as each format's users set them.
fn command(project: &Path, mock: &Mock, format: Format) -> Command {
    let agents = project.join(".claude/agents");
    fs::create_dir_all(&agents).expect("a folder");
    let agent = format!(
        "---\nname: code-reviewer\ndescription: Reviews code\ntools: Read, Grep\nmodel: {MODEL}\nprovider: {}\n---\nYou review code.\n",
        match format {
            Format::Anthropic => "anthropic",
            Format::OpenAi => "openai",
            Format::OpenAiChat => "house",
            Format::Gemini => "gemini",
        }
    );
    fs::write(agents.join("code-reviewer.md"), agent).expect("a file");
    fs::write(project.join("auth.rs"), "let password = \"hunter2\";\n").expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-task"));
    command.current_dir(project).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", project.join("home")).stdin(Stdio::null());
    let url = mock.base_url();
    match format {
        Format::Anthropic => command.env("ANTHROPIC_API_KEY", "key").env("ANTHROPIC_BASE_URL", url),
        Format::OpenAi => command.env("OPENAI_API_KEY", "key").env("OPENAI_BASE_URL", url),
        Format::Gemini => command.env("GEMINI_API_KEY", "key").env("GOOGLE_GEMINI_BASE_URL", url),
        Format::OpenAiChat => {
            let settings = format!(
                "providers:\n  house:\n    kind: openai_chat\n    base_url: {url}\n    api_key_env: HOUSE_KEY\n"
            );
            let directory = project.join("home/.config/codex-task");
            fs::create_dir_all(&directory).expect("a folder");
            fs::write(directory.join("config.yaml"), settings).expect("a file");
            command.env("HOUSE_KEY", "key")
        }
    };
    command
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn one_task_reads_a_file_and_reports_on_each_wire_format() {
    for format in Format::ALL {
        let project = tempfile::tempdir().expect("a folder");
        let mock = Mock::start(format, reviewer);
        let output = command(project.path(), &mock, format)
            .args(["run", "code-reviewer", "Review auth.rs"])
            .output()
            .expect("the command starts");
        let (out, err) = texts(&output);
        assert_eq!(
            (output.status.code(), out.trim()),
            (Some(0), "1 security issue found"),
            "{format:?}: {err}"
        );
        assert_eq!(mock.calls().len(), 2, "{format:?}");
    }
}

#[test]
fn three_tasks_run_side_by_side_on_each_wire_format() {
    let task = r#"Task(subagent_type="code-reviewer", prompt="Review auth.rs", description="review")"#;
    for format in Format::ALL {
        let project = tempfile::tempdir().expect("a folder");
        let mock = Mock::start(format, |call| {
            Reply::After(std::time::Duration::from_millis(100), Box::new(reviewer(call)))
        });
        let output = command(project.path(), &mock, format)
            .args(["run", "--json", task, task, task])
            .output()
            .expect("the command starts");
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{format:?}: {err}");
        let run: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(run["status"], "completed");
        let tasks = run["tasks"].as_array().expect("tasks");
        assert_eq!(tasks.len(), 3);
        for task in tasks {
            assert_eq!(task["result"], "1 security issue found", "{format:?}: {task}");
            assert_eq!((&task["tool_calls"], &task["error"]), (&json!(1), &Value::Null));
            assert!(task["usage"]["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{task}");
        }
        assert_eq!((mock.calls().len(), mock.most_in_flight()), (6, 3), "{format:?}");
    }
}

#[test]
fn a_wrong_key_is_told_in_four_lines_without_the_key() {
    for format in Format::ALL {
        let project = tempfile::tempdir().expect("a folder");
        let mock = Mock::start(format, |_| Reply::status(401, "invalid key"));
        let output = command(project.path(), &mock, format)
            .args(["run", "code-reviewer", "Review auth.rs"])
            .output()
            .expect("the command starts");
        let (_, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{format:?}: {err}");
        for line in
            ["Error: Agent 'code-reviewer' execution failed", "Cause: ", "Suggestion: Check the API key"]
        {
            assert!(err.contains(line), "{format:?}: {line} in {err}");
        }
        assert_eq!(mock.calls().len(), 1, "{format:?}: a wrong key is not tried again");
    }
}
