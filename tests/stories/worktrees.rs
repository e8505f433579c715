//! Agents in git worktrees of their own: what they see, what they leave, and what they cannot reach.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use codex_task::{Isolation, Outcome, RunTask, TaskReport, ToolCaller};
use codex_task_config::{AgentDefinition, SettingsOverrides};
use codex_task_providers::scripted::{Fault, Rule, ScriptedBackend};
use codex_task_tools::SandboxStatus;
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, agent, agents, first, once_prompted, scripted, texts_of, then, wait_until,
};

fn git(directory: &Path, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
    let output = Command::new("git").current_dir(directory).args(identity).args(arguments).output();
    let output = output.expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A real repository with a file and a secret.
fn repository() -> TestProject {
    let project = TestProject::new();
    git(&project.dir(), &["init", "--quiet", "--initial-branch=main"]);
    project.file("src/a.txt", "one\n");
    project.file("secrets/key.txt", "canary\n");
    project.file("CLAUDE.md", "Be brief.\n");
    git(&project.dir(), &["add", "src", "secrets", "CLAUDE.md"]);
    git(&project.dir(), &["commit", "--quiet", "--message=x"]);
    project
}

fn isolated(name: &str) -> AgentDefinition {
    AgentDefinition { isolation: Some(Isolation::Worktree), ..agent(name) }
}

fn start(project: TestProject, model: &Arc<ScriptedBackend>, overrides: SettingsOverrides) -> TestRuntime {
    TestRuntime::start_in(project, |builder| {
        let agents = agents([agent("worker"), isolated("apart")]);
        builder.agents(agents).backend(model.clone()).overrides(overrides)
    })
}

fn place(runtime: &TestRuntime, report: &TaskReport) -> PathBuf {
    runtime.project.dir().join(format!(".claude/worktrees/agent-{}", report.task))
}

fn writing() -> Arc<ScriptedBackend> {
    scripted([
        Rule::call("Write", &json!({"file_path": "made.txt", "content": "made\n"})).when(first()),
        Rule::text("written").when(then("Write")),
        Rule::text("and done"),
    ])
}

#[tokio::test]
async fn an_agent_that_changes_nothing_works_in_a_worktree_that_is_gone_afterwards() {
    let model = scripted([
        Rule::call("Read", &json!({"file_path": "src/a.txt"})).when(first()),
        Rule::text("seen").when(then("Read")),
    ]);
    let runtime = start(repository(), &model, SettingsOverrides::default());
    let report = runtime.ask("apart", "read").await;
    assert_eq!(report.outcome, Outcome::Completed("seen".to_owned()));
    let seen = texts_of(&model.recorded()[1]).join("\n");
    assert!(seen.contains("1→one"), "{seen}");
    let (place, dir) = (place(&runtime, &report), runtime.project.dir());
    let told = texts_of(&model.recorded()[0]).join("\n");
    assert!(told.contains(&format!("Working directory: {}\n", place.display())), "{told}");
    assert!(told.contains("Be brief."), "the project's instructions reach it: {told}");
    assert_eq!((report.worktree, place.exists()), (None, false));
    assert_eq!(git(&dir, &["branch", "--list", "worktree-*"]), "");
    assert!(!dir.join(".claude/worktrees").exists());
}

#[tokio::test]
async fn what_an_agent_changes_stays_on_its_own_branch_and_is_named_in_the_result() {
    let model = writing();
    let runtime = start(repository(), &model, SettingsOverrides::default());
    let call = json!({
        "description": "d", "prompt": "write", "subagent_type": "worker", "isolation": "worktree",
    });
    let caller = ToolCaller::default();
    let answer = runtime.task_tool().call("Task", &call, &caller).await;
    let place = runtime.project.dir().join(format!(".claude/worktrees/agent-{}", caller.task));
    let branch = format!("worktree-agent-{}", caller.task);
    let named =
        format!("agentId: {}\nworktreePath: {}\nworktreeBranch: {branch}", caller.task, place.display());
    assert_eq!((answer.is_error, answer.blocks.get(1)), (false, Some(&named)), "{answer:?}");
    assert_eq!(std::fs::read_to_string(place.join("made.txt")).expect("it is there"), "made\n");
    assert!(!runtime.project.dir().join("made.txt").exists());
    assert_eq!(git(&place, &["branch", "--show-current"]).trim(), branch);
    assert_eq!(git(&runtime.project.dir(), &["status", "--porcelain"]), "");

    let again = runtime.run(RunTask::<String>::new("worker", "go on").resume(caller.task)).await;
    let again = again.expect("the runtime runs");
    assert_eq!(again.outcome, Outcome::Completed("and done".to_owned()));
    assert_eq!(again.worktree.map(|left| left.path), Some(place), "it goes back to its own place");
}

#[tokio::test]
async fn the_gate_and_the_path_guard_follow_the_agent() {
    let project = repository();
    project.settings(&json!({"permissions": {"deny": ["Read(./secrets/**)"]}}));
    let main = project.dir().join("src/a.txt");
    let model = scripted([
        Rule::call("Read", &json!({"file_path": "secrets/key.txt"})).when(first()).times(1),
        Rule::call("Read", &json!({"file_path": main})).times(1),
        Rule::call("Write", &json!({"file_path": main, "content": "changed"})).times(1),
        Rule::call("Write", &json!({"file_path": ".git", "content": "gitdir: /tmp"})).times(1),
        Rule::text("done"),
    ]);
    let runtime = start(project, &model, SettingsOverrides::default());
    let report = runtime.ask("apart", "try").await;
    assert_eq!((report.outcome, report.worktree), (Outcome::Completed("done".into()), None));
    let told = texts_of(model.recorded().last().expect("a request")).join("\n");
    assert!(!told.contains("canary"), "{told}");
    assert!(!told.contains("1→one"), "the session's own files are out of reach: {told}");
    assert_eq!(std::fs::read_to_string(main).expect("it is there"), "one\n");
}

#[tokio::test]
async fn commands_of_an_isolated_agent_are_held_to_its_worktree() {
    if !SandboxStatus::of_this_system().is_working() {
        return;
    }
    let project = repository();
    let outside = project.dir().join("src/a.txt");
    let line = format!("pwd; echo made > made.txt; echo changed > {}", outside.display());
    let model = scripted([
        Rule::call("Bash", &json!({"command": line})).when(first()),
        Rule::text("ran").when(then("Bash")),
    ]);
    let runtime = start(project, &model, SettingsOverrides::default());
    let report = runtime.ask("apart", "run").await;
    let place = place(&runtime, &report);
    let told = texts_of(&model.recorded()[1]).join("\n");
    assert!(told.contains(&format!("{}\n", place.display())), "it runs there: {told}");
    assert!(place.join("made.txt").exists() && report.worktree.is_some(), "{:?}", report.outcome);
    assert_eq!(std::fs::read_to_string(outside).expect("it is there"), "one\n");
}

#[tokio::test]
async fn without_a_repository_the_call_is_refused_in_claude_codes_words() {
    let model = writing();
    // Its `.git` is an empty folder.
    let runtime = start(TestProject::new(), &model, SettingsOverrides::default());
    let call = json!({"description": "d", "prompt": "write", "subagent_type": "apart"});
    let answer = runtime.task_tool().call("Task", &call, &ToolCaller::default()).await;
    let text =
        "Cannot create agent worktree: not in a git repository and no WorktreeCreate hooks are configured.";
    assert_eq!((answer.blocks[0].lines().next(), answer.is_error), (Some(text), true), "{answer:?}");
    assert!(model.recorded().is_empty());
}

#[tokio::test]
async fn a_cancelled_or_crashed_agent_leaves_no_empty_worktree() {
    let hang = Rule::text("never").with_fault(Fault::hang()).when(once_prompted("hang"));
    let model = scripted([hang, Rule::fault(Fault::panic())]);
    let runtime = start(repository(), &model, SettingsOverrides::default());
    let worktrees = runtime.project.dir().join(".claude/worktrees");
    let task = RunTask::<String>::new("apart", "hang");
    let id = task.request.id;
    let running = runtime.begin(task);
    wait_until("it is at the model", || !model.recorded().is_empty()).await;
    assert!(worktrees.join(format!("agent-{id}/src/a.txt")).exists());
    assert!(runtime.cancel(id).await);
    assert_eq!(running.await.expect("no panic").outcome, Outcome::Cancelled { partial: None });
    assert!(!worktrees.exists());
    let crashed = runtime.ask("apart", "crash").await;
    assert!(matches!(crashed.outcome, Outcome::Crashed { .. }), "{:?}", crashed.outcome);
    wait_until("the worktree is gone", || !worktrees.exists()).await;
}
