//! The real Codex: its model gets the bare `Task`, and its tasks run side by side. Without Codex these stories only say so
//! (see `Peer`).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use codex_task_tests::{Call, CodexMock, CodexReply, Mock, Peer, Reply};
use serde_json::{Value, json};

use crate::project::{Project, binary, model, task_of, wait_until};

/// A model for Codex that makes these calls of `Task` and then is content.
fn parent(calls: Vec<Value>) -> CodexMock {
    CodexMock::start(move |request| {
        if request.outputs().is_empty() {
            CodexReply::Tools { name: "Task", calls: calls.clone() }
        } else {
            CodexReply::Text("All is done.".to_owned())
        }
    })
}

fn task(prompt: &str) -> Value {
    json!({"description": "Some work", "prompt": prompt, "subagent_type": "worker"})
}

/// A project of this Codex, whose model is `parent`, with `child` as the agents' model.
fn project(parent: &CodexMock, child: &Mock) -> Project {
    let project = Project::on(child).variable("STORY_KEY", "sk-parent");
    let home = project.home().join("codex");
    fs::create_dir_all(&home).expect("a folder");
    fs::write(home.join("config.toml"), parent.config("mock")).expect("a file");
    project.variable("CODEX_HOME", &home.display().to_string())
}

fn command(project: &Project, codex: &PathBuf, arguments: &[&str]) -> Command {
    let mut command = project.command(binary());
    command.arg("codex").arg("--codex").arg(codex).args(arguments).arg("go").stdin(Stdio::null());
    command
}

#[test]
fn ten_tasks_of_one_response_run_at_once_under_their_bare_name() {
    let Some(codex) = Peer::Codex.find() else { return };
    let work = |call: &Call| {
        Reply::After(Duration::from_millis(700), Box::new(Reply::text(format!("did {}", task_of(call)))))
    };
    let parent = parent((0..10).map(|n| task(&format!("task {n}"))).collect());
    let child = model(work);
    let project = project(&parent, &child).agent("worker", "description: Works\ntools: Read\n");
    let installed = project.command(binary()).args(["install", "codex"]).output().expect("it runs");
    assert!(installed.status.success(), "{installed:?}");
    let arguments = ["--json", "--sandbox", "workspace-write"];
    let done = command(&project, &codex, &arguments).output().expect("it starts");
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{err}");
    wait_until("all processes are gone", || project.programs().is_empty());
    let requests = parent.requests();
    assert_eq!(requests.len(), 2, "one request with the calls, one with their outputs");
    let tools = requests[0].body["tools"].as_array().expect("tools");
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert!(["Task", "TaskOutput", "TaskStop"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(!requests[0].everything().contains("mcp__task"), "the installed server offers no second one");
    let outputs = requests[1].outputs();
    assert_eq!(outputs.len(), 10, "{outputs:?}");
    for (n, output) in &outputs {
        assert!(output.contains(&format!("did task {n}")) && output.contains("agentId: "), "{n}: {output}");
    }
    assert_eq!(child.most_in_flight(), 10, "all ten are at work together");
    let ending: Value = serde_json::from_slice(&done.stdout).expect("one object");
    assert_eq!((&ending["status"], &ending["answer"]), (&json!("completed"), &json!("All is done.")));
    assert_eq!(ending["tasks"].as_array().map(Vec::len), Some(10));
}

#[test]
fn a_read_only_thread_has_read_only_agents() {
    let Some(codex) = Peer::Codex.find() else { return };
    let write = |call: &Call| match call.tool_results().first() {
        None => Reply::tool("Write", json!({"file_path": "made.txt", "content": "made"})),
        Some(result) => Reply::text(result.clone()),
    };
    for (sandbox, is_written) in [("read-only", false), ("workspace-write", true)] {
        let (parent, child) = (parent(vec![task("write")]), model(write));
        let project = project(&parent, &child).agent("worker", "description: Writes\ntools: Write\n");
        // Codex's own configuration says it here, not our argument.
        let setting = format!("sandbox_mode=\"{sandbox}\"");
        let arguments = ["-c", &setting, "--permission-mode", "acceptEdits", "--jsonl"];
        let done = command(&project, &codex, &arguments).output().expect("it starts");
        let out = String::from_utf8_lossy(&done.stdout);
        assert_eq!(done.status.code(), Some(0), "{out}");
        assert_eq!(project.dir().join("made.txt").exists(), is_written, "{sandbox}: {out}");
        let lines: Vec<Value> =
            out.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
        let has = |event: &str| lines.iter().any(|line| line["event"] == event);
        assert!(has("codex") && has("finished") && has("turn_finished"), "{out}");
    }
}

#[test]
fn a_command_outside_of_the_sandbox_is_declined_where_nobody_can_be_asked() {
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
    let child = model(|_| Reply::text("unused"));
    let project = project(&parent, &child);
    let arguments = ["-c", "approval_policy=\"on-request\"", "--sandbox", "workspace-write"];
    let done = command(&project, &codex, &arguments).output().expect("it starts");
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!((done.status.code(), &*done.stdout), (Some(0), b"All is done.\n".as_slice()), "{err}");
    assert!(!project.dir().join("made.txt").exists());
    assert!(err.contains("Codex(Declined): ") && err.contains("touch made.txt"), "{err}");
}

#[test]
fn an_interrupted_turn_leaves_no_process() {
    let Some(codex) = Peer::Codex.find() else { return };
    let sleep = |call: &Call| match task_of(call).as_str() {
        "sleep" => Reply::tool("Bash", json!({"command": "sleep 600", "timeout": 600_000})),
        _ => Reply::Hangs,
    };
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let (parent, child) = (parent(vec![task("sleep"), task("hang")]), model(sleep));
        let project = project(&parent, &child).agent("worker", "description: Sleeps\ntools: Bash\n");
        let arguments = ["--allow", "Bash(sleep 600)", "--sandbox", "workspace-write"];
        let mut running =
            command(&project, &codex, &arguments).stderr(Stdio::null()).spawn().expect("it starts");
        wait_until("one sleeps and one hangs", || project.runs("sleep") && child.in_flight() == 1);
        let sent = Command::new("kill").args([signal, &running.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        assert_eq!(running.wait().expect("it ends").code(), Some(expected));
        wait_until("all processes are gone", || project.programs().is_empty());
        wait_until("the connection is closed", || child.in_flight() == 0);
    }
}

#[test]
fn a_terminated_turn_lets_its_tasks_end_and_prints_what_those_have_that_do_not() {
    let Some(codex) = Peer::Codex.find() else { return };
    let work = |call: &Call| match task_of(call).as_str() {
        "ends" => Reply::After(Duration::from_millis(900), Box::new(Reply::text("did end"))),
        _ => Reply::Stalls("half of a report".to_owned()),
    };
    for (prompts, grace, expected) in
        [(&["ends"][..], "20s", &["completed"][..]), (&["ends", "stalls"], "2s", &["completed", "cancelled"])]
    {
        let (parent, child) = (parent(prompts.iter().map(|prompt| task(prompt)).collect()), model(work));
        let project = project(&parent, &child).agent("worker", "description: Works\ntools: []\n");
        let config = format!("local: {{probe: false}}\nlimits: {{drain_timeout: {grace}}}\n");
        project.write("home/.config/codex-task/config.yaml", &config);
        let mut command = command(&project, &codex, &["--json"]);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = command.spawn().expect("it starts");
        wait_until("all are at the model", || child.in_flight() == prompts.len());
        let sent = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let done = running.wait_with_output().expect("it is ours");
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(143), "{err}");
        let ending: Value = serde_json::from_slice(&done.stdout).expect("one object");
        let tasks = ending["tasks"].as_array().expect("tasks");
        let statuses: Vec<&str> = tasks.iter().filter_map(|task| task["status"].as_str()).collect();
        assert_eq!((statuses.as_slice(), &ending["status"]), (expected, &json!("interrupted")), "{ending}");
        let results: Vec<&str> = tasks.iter().filter_map(|task| task["result"].as_str()).collect();
        assert!(results[0].starts_with("did end") && results.len() == prompts.len(), "{ending}");
        assert!(err.contains("Terminating: no task begins any longer"), "{err}");
        wait_until("all processes are gone", || project.programs().is_empty());
    }
}
