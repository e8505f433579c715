//! What agents do without a rule: commands run in the sandbox, as far as this system has one.
#![cfg(unix)]

use std::net::TcpListener;
use std::sync::Arc;

use codex_task::{Environment, Outcome, RunTask, TaskReport};
use codex_task_config::{SandboxMode, SettingsOverrides};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_providers::{Message, UserPart};
use codex_task_tools::SandboxStatus;
use serde_json::json;

use crate::harness::{TestProject, TestRuntime, agent, agents, first, result_of, scripted, texts_of, then};

/// Fails these stories where no sandbox works, instead of letting them pass.
const REQUIRED: &str = "CODEX_TASK_REQUIRE_SANDBOX";
const CANARY: &str = "sk-canary-f41c9e";

/// Whether this system can hold commands back; says so where it cannot.
fn has_sandbox() -> bool {
    let status = SandboxStatus::of_this_system();
    if !status.is_working() {
        println!("not tested: {status}");
        let process = Environment::from_process().expect("a working directory");
        assert!(process.get(REQUIRED) != Some("1"), "{status}");
    }
    status.is_working()
}

fn bash(command: &str) -> Rule {
    Rule::call("Bash", &json!({ "command": command }))
}

fn in_sandbox(mode: SandboxMode) -> SettingsOverrides {
    SettingsOverrides { sandbox: Some(mode), ..SettingsOverrides::default() }
}

fn start(project: TestProject, model: &Arc<ScriptedBackend>, overrides: SettingsOverrides) -> TestRuntime {
    TestRuntime::start_in(project, |builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(overrides)
    })
}

/// Everything that the model read from its tools.
fn results(model: &ScriptedBackend) -> Vec<String> {
    let requests = model.recorded();
    let Some(last) = requests.last() else { return Vec::new() };
    let parts = last.messages.iter().flat_map(|message| match &**message {
        Message::User(turn) => turn.parts.clone(),
        Message::Assistant(_) => Vec::new(),
    });
    let texts = parts.filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(result.text.to_string()),
        UserPart::Text { .. } => None,
    });
    texts.collect()
}

/// Runs commands without any rule, one after the other; gives what came of each.
async fn run(project: TestProject, mode: SandboxMode, commands: &[&str]) -> (Vec<String>, TestRuntime) {
    let calls = commands.iter().enumerate().map(|(index, command)| {
        let call = bash(&format!("{command}\n# call {index}"));
        let call = call.times(1);
        if index == 0 { call.when(first()) } else { call }
    });
    let model = scripted(calls.chain([Rule::text("done")]));
    let runtime = start(project, &model, in_sandbox(mode));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    (results(&model), runtime)
}

#[tokio::test]
async fn without_a_rule_an_agent_works_with_commands_and_reaches_nothing_outside() {
    if !has_sandbox() {
        return;
    }
    let mut project = TestProject::new();
    project.variable("OPENAI_API_KEY", CANARY);
    project.file("secrets/key.txt", "the secret\n");
    project.file("src/keep.txt", "kept\n");
    project.settings(&json!({"permissions": {"deny": ["Read(./secrets/**)"]}}));
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    server.set_nonblocking(true).expect("a socket");
    let port = server.local_addr().expect("an address").port();
    let outside = project.dir().with_file_name("outside.txt");
    let write_outside = format!("echo x > {}", outside.display());
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let commands = [
        "for f in src/*.txt; do wc -l < $f; done; mkdir -p src/new && echo made > src/new/file && cat src/new/file",
        "env; cat /proc/self/environ | tr '\\0' '\\n'; cat /proc/$PPID/environ | tr '\\0' '\\n'",
        &write_outside,
        &connect,
        "f=secrets; cat $f/key.txt",
        "echo x > .git/config; cp src/keep.txt .git/hooks",
    ];
    let (results, runtime) = run(project, SandboxMode::WorkspaceWrite, &commands).await;
    assert!(results[0].contains('1') && results[0].contains("made"), "{}", results[0]);
    assert!(results.iter().all(|result| !result.contains(CANARY)), "{results:?}");
    assert!(results[2].contains("in the sandbox, mode workspace-write"), "{}", results[2]);
    assert!(!outside.exists());
    assert!(!results[3].contains("connected") && server.accept().is_err(), "{}", results[3]);
    assert!(!results[4].contains("the secret"), "{}", results[4]);
    assert!(!runtime.project.dir().join(".git/config").exists());
    assert_eq!(std::fs::read_to_string(runtime.project.dir().join("src/new/file")).expect("it"), "made\n");
}

#[tokio::test]
async fn a_key_of_the_runtime_is_in_no_file_that_a_command_can_write_or_read_back() {
    if !has_sandbox() {
        return;
    }
    let mut project = TestProject::new();
    project.variable("ANTHROPIC_API_KEY", CANARY);
    project.file("out/x", "");
    let commands = [
        "env > out/env; set > out/set; export > out/export; cat /proc/*/environ > out/environ 2>/dev/null; true",
        "grep -rl canary out /proc/self/environ; echo searched",
    ];
    let (results, runtime) = run(project, SandboxMode::WorkspaceWrite, &commands).await;
    for name in ["env", "set", "export", "environ"] {
        let file = runtime.project.dir().join("out").join(name);
        let text = std::fs::read(file).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains(CANARY), "{name}");
    }
    assert!(results[1].trim_end().ends_with("searched"), "{}", results[1]);
    assert!(!results[1].contains("out/"), "{}", results[1]);
}

#[tokio::test]
async fn a_command_in_the_background_is_held_too() {
    if !has_sandbox() {
        return;
    }
    let project = TestProject::new();
    project.file("src/x", "");
    let outside = project.dir().with_file_name("outside.txt");
    let line = format!("echo inside > src/inside; echo x > {}; echo over", outside.display());
    let look = |id: &str| Rule::call("BashOutput", &json!({ "bash_id": id }));
    let model = scripted([
        Rule::call("Bash", &json!({ "command": line, "run_in_background": true })).when(first()),
        Rule::call("Bash", &json!({ "command": "sleep 1" })).when(result_of("running in background")),
        look("bash_1").when(then("Bash")),
        Rule::text("done"),
    ]);
    let runtime = start(project, &model, SettingsOverrides::default());
    assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
    let said = results(&model).join("\n");
    assert!(said.contains("over"), "{said}");
    assert!(!outside.exists());
    assert!(runtime.project.dir().join("src/inside").exists());
}

/// A project whose test fails until `add` adds.
fn broken_calculator() -> TestProject {
    let project = TestProject::new();
    project.file("src/add.sh", "add() { echo $(($1 - $2)); }\n");
    project.file(
        "tests/add_test.sh",
        "#!/bin/bash\n. src/add.sh\nif [ \"$(add 2 3)\" = 5 ]; then echo '1 passed'; else echo 'expected 5, got' \"$(add 2 3)\"; exit 1; fi\n",
    );
    project
}

async fn mend(project: TestProject, overrides: SettingsOverrides) -> (TaskReport, Vec<String>, TestRuntime) {
    let edit = json!({"file_path": "src/add.sh", "old_string": "$1 - $2", "new_string": "$1 + $2"});
    let test = || bash("bash tests/add_test.sh");
    let model = scripted([
        test().when(first()),
        Rule::call("Read", &json!({ "file_path": "src/add.sh" }))
            .when(result_of("expected 5, got -1"))
            .times(1),
        Rule::call("Edit", &edit).when(then("Read")),
        test().when(then("Edit")),
        Rule::text("mended").when(result_of("1 passed")),
        Rule::text("not mended"),
    ]);
    let runtime = start(project, &model, overrides);
    let report = runtime.ask("worker", "mend the test").await;
    let requests = model.recorded();
    let said = requests.last().map(texts_of).unwrap_or_default();
    (report, [results(&model), said].concat(), runtime)
}

#[tokio::test]
async fn an_agent_mends_a_failing_test_with_read_edit_and_bash_and_without_a_rule() {
    if !has_sandbox() {
        return;
    }
    let (report, results, runtime) = mend(broken_calculator(), SettingsOverrides::default()).await;
    assert_eq!(report.outcome, Outcome::Completed("mended".into()), "{results:?}");
    assert_eq!((report.turns, report.tool_calls), (5, 4));
    let mended = std::fs::read_to_string(runtime.project.dir().join("src/add.sh")).expect("the file");
    assert_eq!(mended, "add() { echo $(($1 + $2)); }\n");
}

#[tokio::test]
async fn with_read_only_rights_the_same_agent_is_refused_in_words_that_name_the_mode() {
    let rules = json!({"permissions": {"allow": ["Edit", "Bash(bash tests/add_test.sh)"]}});
    let project = broken_calculator();
    // Rules do not widen the mode.
    project.settings(&rules);
    let before = std::fs::read_to_string(project.dir().join("src/add.sh")).expect("the file");
    let model = scripted([
        Rule::call("Write", &json!({"file_path": "src/new.sh", "content": "x"})).when(first()),
        bash("echo x > src/new.sh").when(then("Write")),
        Rule::text("refused"),
    ]);
    let runtime = start(project, &model, in_sandbox(SandboxMode::ReadOnly));
    let report = runtime.ask("worker", "mend the test").await;
    assert_eq!(report.outcome, Outcome::Completed("refused".into()));
    let results = results(&model);
    assert!(results[0].starts_with("Permission to write to "), "{}", results[0]);
    for result in &results {
        assert!(result.contains("The sandbox mode is read-only, which changes nothing."), "{result}");
        assert!(result.contains("--sandbox workspace-write"), "{result}");
    }
    assert!(!runtime.project.dir().join("src/new.sh").exists());
    if has_sandbox() {
        let (report, _, runtime) = mend(broken_calculator(), in_sandbox(SandboxMode::ReadOnly)).await;
        assert_eq!(report.outcome, Outcome::Completed("not mended".into()));
        let after = std::fs::read_to_string(runtime.project.dir().join("src/add.sh")).expect("the file");
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn with_a_rule_that_denies_changes_the_same_agent_is_refused_in_words_that_name_the_rule_and_its_file()
{
    for (rule, refused) in
        [("Edit", "Edit"), ("Write", "Write"), ("Edit(./src/**)", "Edit"), ("Edit(./src/**)", "Write")]
    {
        let project = broken_calculator();
        project.settings(&json!({"permissions": {"deny": [rule], "allow": ["Edit", "Write", "Read"]}}));
        let file = project.dir().join("src/add.sh");
        let before = std::fs::read_to_string(&file).expect("the file");
        let arguments = match refused {
            "Edit" => json!({"file_path": "src/add.sh", "old_string": "$1 - $2", "new_string": "$1 + $2"}),
            _ => json!({"file_path": "src/add.sh", "content": "add() { echo $(($1 + $2)); }\n"}),
        };
        let model = scripted([
            Rule::call("Read", &json!({"file_path": "src/add.sh"})).when(first()),
            Rule::call(refused, &arguments).when(then("Read")),
            Rule::text("refused"),
        ]);
        let runtime = start(project, &model, SettingsOverrides::default());
        let report = runtime.ask("worker", "mend the test").await;
        assert_eq!(report.outcome, Outcome::Completed("refused".into()));
        let settings = runtime.project.dir().join(".claude/settings.json");
        let named = format!("the rule {rule} stands in permissions.deny of {}", settings.display());
        let [read, refusal] = &results(&model)[..] else { panic!("two results") };
        assert!(read.contains("$1 - $2"), "{read}");
        assert!(refusal.contains(&named), "{rule} and {refused}: {refusal}");
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), before, "{rule}");
    }
}

#[tokio::test]
async fn where_a_rule_denies_changes_it_is_named_even_if_the_mode_forbids_them_too() {
    let project = broken_calculator();
    project.settings(&json!({"permissions": {"deny": ["Edit(./src/**)"]}}));
    let write = json!({"file_path": "src/new.sh", "content": "x"});
    let model = scripted([Rule::call("Write", &write).when(first()), Rule::text("refused")]);
    let runtime = start(project, &model, in_sandbox(SandboxMode::ReadOnly));
    assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("refused".into()));
    let [refusal] = &results(&model)[..] else { panic!("one result") };
    assert!(refusal.contains("the rule Edit(./src/**) stands in permissions.deny of "), "{refusal}");
}

#[tokio::test]
async fn in_the_mode_read_only_commands_run_and_write_nothing() {
    if !has_sandbox() {
        return;
    }
    let project = TestProject::new();
    project.file("src/x", "seen\n");
    project.settings(&json!({"permissions": {"allow": ["Bash"]}}));
    let commands = ["cat src/x; touch src/y", "rm src/x"];
    let (results, runtime) = run(project, SandboxMode::ReadOnly, &commands).await;
    assert!(results[0].contains("seen"), "{}", results[0]);
    for result in &results {
        assert!(result.contains("in the sandbox, mode read-only"), "{result}");
    }
    let src = runtime.project.dir().join("src");
    assert!(src.join("x").exists() && !src.join("y").exists());
}

#[tokio::test]
async fn a_rule_that_denies_a_command_is_not_dodged_by_what_the_parser_does_not_understand() {
    let project = TestProject::new();
    project.file("src/x", "kept\n");
    project.settings(&json!({"permissions": {"deny": ["Bash(rm:*)"]}}));
    let commands = ["rm src/x", "$(echo rm) src/x", "for f in src/*; do rm $f; done"];
    let (results, runtime) = run(project, SandboxMode::WorkspaceWrite, &commands).await;
    assert!(results[0].starts_with("Permission to use Bash with command rm src/x"), "{}", results[0]);
    for result in &results[1..] {
        assert!(result.starts_with("Claude requested permissions to use Bash"), "{result}");
    }
    assert!(runtime.project.dir().join("src/x").exists());
}

#[tokio::test]
async fn a_task_is_narrowed_to_a_sandbox_mode_and_never_widened() {
    let write = || Rule::call("Write", &json!({"file_path": "made.txt", "content": "made"}));
    let refusal = "The sandbox mode is read-only, which changes nothing.";
    for (session, task, is_written) in [
        (SandboxMode::WorkspaceWrite, SandboxMode::ReadOnly, false),
        (SandboxMode::ReadOnly, SandboxMode::DangerFullAccess, false),
        (SandboxMode::DangerFullAccess, SandboxMode::WorkspaceWrite, true),
    ] {
        let model = scripted([write().when(first()), Rule::text("done")]);
        let runtime = start(TestProject::new(), &model, in_sandbox(session));
        let report = runtime.run(RunTask::<String>::new("worker", "go").sandbox(task)).await;
        assert_eq!(report.expect("the runtime runs").outcome, Outcome::Completed("done".into()));
        assert_eq!(runtime.project.dir().join("made.txt").exists(), is_written, "{session} and {task}");
        let told = results(&model).iter().any(|text| text.contains(refusal));
        assert_eq!(told, !is_written, "{session} and {task}");
    }
}
