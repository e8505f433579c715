//! Programs of the user's own around an agent: told of its beginning, its calls and its end; they narrow and never widen.
#![cfg(unix)]

use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskError, TaskReport};
use codex_task_config::{AgentDefinition, AgentReport};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use serde_json::{Value, json};

use crate::harness::{
    Runs, TestProject, TestRuntime, agent, agents, calling, counting, first, result_of, scripted, texts_of,
    then, wait_until,
};

/// Settings with these hooks, each an event and a line for the shell.
fn hooks(lines: &[(&str, &str)]) -> Value {
    let mut hooks = serde_json::Map::new();
    for (event, line) in lines {
        let group = json!({"hooks": [{"type": "command", "command": line, "timeout": 20}]});
        let groups = hooks.entry(*event).or_insert_with(|| json!([]));
        groups.as_array_mut().expect("a list").push(group);
    }
    json!({ "hooks": hooks })
}

fn project(lines: &[(&str, &str)]) -> TestProject {
    let project = TestProject::new();
    project.settings(&hooks(lines));
    project
}

fn start(project: TestProject, worker: AgentDefinition, model: &Arc<ScriptedBackend>) -> (TestRuntime, Runs) {
    let runs = Runs::default();
    let tool = counting("Change", &runs).shared();
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(agents([worker])).backend(model.clone()).tool(tool)
    });
    (runtime, runs)
}

/// One call of `Change`, then a report.
fn changing() -> Arc<ScriptedBackend> {
    scripted([
        Rule::text("It was refused.").when(result_of("refused by a hook")),
        Rule::text("It is changed.").when(then("Change")),
        calling("Change").when(first()),
    ])
}

fn completed(report: &TaskReport) -> &str {
    match &report.outcome {
        Outcome::Completed(text) => text,
        other => panic!("{other:?}"),
    }
}

fn json_file(runtime: &TestRuntime, name: &str) -> Value {
    let text = std::fs::read_to_string(runtime.project.dir().join(name)).expect("the hook ran");
    serde_json::from_str(&text).expect("JSON")
}

fn everything_read(model: &ScriptedBackend) -> String {
    model.recorded().iter().flat_map(texts_of).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn hooks_are_told_of_the_beginning_the_calls_and_the_end_of_an_agent() {
    let events = ["SubagentStart", "PreToolUse", "PostToolUse", "SubagentStop"];
    let lines = events.map(|event| (event, format!("cat > {event}.json")));
    let lines = lines.each_ref().map(|(event, line)| (*event, line.as_str()));
    let (runtime, runs) = start(project(&lines), agent("worker"), &changing());
    let report = runtime.ask("worker", "go").await;
    assert_eq!((completed(&report), runs.count()), ("It is changed.", 1));
    for event in events {
        let told = json_file(&runtime, &format!("{event}.json"));
        assert_eq!(told["hook_event_name"], event);
        assert_eq!(
            (&told["agent_type"], &told["agent_id"]),
            (&json!("worker"), &json!(report.task.to_string()))
        );
        assert_eq!(told["session_id"], report.run.to_string());
    }
    let call = json_file(&runtime, "PreToolUse.json");
    assert_eq!((&call["tool_name"], &call["tool_input"]), (&json!("Change"), &json!({})));
    assert!(call["tool_use_id"].as_str().is_some_and(|id| !id.is_empty()), "{call}");
    let stop = json_file(&runtime, "SubagentStop.json");
    assert_eq!(stop["last_assistant_message"], "It is changed.");
    assert_eq!(stop["stop_hook_active"], false);
}

#[tokio::test]
async fn a_call_that_a_hook_refuses_never_runs_and_the_agent_reads_why() {
    let (model, line) = (changing(), "echo 'not on a Friday' >&2; exit 2");
    let (runtime, runs) = start(project(&[("PreToolUse", line)]), agent("worker"), &model);
    assert_eq!(completed(&runtime.ask("worker", "go").await), "It was refused.");
    assert_eq!(runs.count(), 0);
    assert!(everything_read(&model).contains(": not on a Friday\n"));
}

#[tokio::test]
async fn what_a_hook_says_at_the_beginning_stands_behind_the_task_once() {
    let answer = json!({"hookSpecificOutput": {"hookEventName": "SubagentStart", "additionalContext": "The build is red."}});
    let line = format!("echo x >> started; cat <<'END'\n{answer}\nEND");
    let model = changing();
    let (runtime, _) = start(project(&[("SubagentStart", &line)]), agent("worker"), &model);
    assert_eq!(completed(&runtime.ask("worker", "go").await), "It is changed.");
    let requests = model.recorded();
    for request in &requests {
        let said = texts_of(request).iter().filter(|text| text.contains("The build is red.")).count();
        assert_eq!(said, 1);
    }
    assert_eq!(requests[0].messages.len(), 1, "one turn, as without a hook");
    assert_eq!(std::fs::read_to_string(runtime.project.dir().join("started")).expect("it ran"), "x\n");
}

#[tokio::test]
async fn a_hook_keeps_an_agent_from_ending_until_it_is_content_and_never_for_ever() {
    for (line, turns, noted) in [
        ("grep -q '\"stop_hook_active\":true' || { echo 'run the tests' >&2; exit 2; }", 2, false),
        ("echo again >&2; exit 2", 4, true),
    ] {
        let model = scripted([Rule::text("done")]);
        let (runtime, _) = start(project(&[("SubagentStop", line)]), agent("worker"), &model);
        let report = runtime.ask("worker", "go").await;
        assert_eq!((completed(&report), report.turns), ("done", turns), "{line}");
        let is_noted = report.notes.iter().any(|note| note.contains("more than 3 times"));
        assert_eq!(is_noted, noted, "{:?}", report.notes);
    }
}

#[tokio::test]
async fn an_agent_that_is_about_to_end_is_woken_by_a_hook_that_ran_beside_its_turn() {
    let project = TestProject::new();
    let line = "touch told; echo 'tests are red' >&2; exit 2";
    let beside = json!({"type": "command", "command": line, "asyncRewake": true});
    // Only so that the story knows when the other one has ended.
    let waiting = json!({"type": "command", "command": "until [ -e told ]; do sleep 0.01; done; sleep 0.3"});
    let settings = json!({"hooks": {
        "PostToolUse": [{"hooks": [beside]}], "SubagentStop": [{"hooks": [waiting]}]
    }});
    project.settings(&settings);
    let model = scripted([
        Rule::text("It is changed.").when(then("Change")),
        calling("Change").when(first()),
        Rule::text("It is mended."),
    ]);
    let (runtime, runs) = start(project, agent("worker"), &model);
    let report = runtime.ask("worker", "go").await;
    assert_eq!((completed(&report), report.turns, runs.count()), ("It is mended.", 3, 1));
    assert_eq!(everything_read(&model).matches(": tests are red").count(), 1, "in the last request alone");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[tokio::test]
async fn a_hook_can_end_an_agent() {
    for (event, line) in [
        ("SubagentStart", r#"echo '{"continue": false, "stopReason": "out of office"}'"#),
        ("PostToolUse", r#"echo '{"continue": false, "stopReason": "out of office"}'"#),
    ] {
        let model = changing();
        let (runtime, _) = start(project(&[(event, line)]), agent("worker"), &model);
        let report = runtime.ask("worker", "go").await;
        let Outcome::Failed { error: TaskError::EndedByHook { reason }, .. } = &report.outcome else {
            panic!("{event}: {:?}", report.outcome)
        };
        assert_eq!(reason, "out of office");
        assert_eq!(model.recorded().len(), usize::from(event == "PostToolUse"));
    }
}

#[tokio::test]
async fn a_hook_that_allows_a_call_overrules_neither_rule_nor_mode() {
    let allow = r#"echo '{"hookSpecificOutput": {"permissionDecision": "allow"}}'"#;
    let mut settings = hooks(&[("PreToolUse", allow)]);
    settings["permissions"] = json!({"deny": ["Change"]});
    let project = TestProject::new();
    project.settings(&settings);
    let (runtime, runs) = start(project, agent("worker"), &changing());
    runtime.ask("worker", "go").await;
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn no_hook_of_an_untrusted_folder_runs_and_the_user_is_told() {
    let project = project(&[("PreToolUse", "touch ran"), ("SubagentStart", "touch ran")]);
    project.trusted(&[]);
    let worker = with_own_hook(&project);
    let (runtime, runs) = start(project, worker, &changing());
    let told = runtime.problems().iter().find(|problem| problem.message.contains("2 hooks are not in force"));
    let told = told.expect("a problem");
    assert!(told.help.as_deref().is_some_and(|help| help.contains("codex-task trust ")), "{told:?}");
    let report = runtime.ask("worker", "go").await;
    assert_eq!((completed(&report), runs.count()), ("It is changed.", 1));
    assert!(report.notes.iter().any(|note| note.contains("not in force")), "{:?}", report.notes);
    let dir = runtime.project.dir();
    assert!(!dir.join("ran").exists() && !dir.join("own").exists());
}

#[tokio::test]
async fn the_hooks_of_an_agents_file_hold_for_that_agent_alone() {
    let project = TestProject::new();
    let worker = with_own_hook(&project);
    let model = changing();
    let runs = Runs::default();
    let tool = counting("Change", &runs).shared();
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(agents([worker, agent("other")])).backend(model.clone()).tool(tool)
    });
    let own = runtime.project.dir().join("own");
    assert_eq!(completed(&runtime.ask("other", "go").await), "It is changed.");
    assert!(!own.exists());
    assert_eq!(completed(&runtime.ask("worker", "go").await), "It is changed.");
    assert!(own.exists(), "its `Stop` is the end of the agent");
}

/// An agent whose file has a hook for its end.
fn with_own_hook(project: &TestProject) -> AgentDefinition {
    let hook = "hooks:\n  Stop:\n    - hooks:\n        - {type: command, command: touch own}\n";
    let text = format!("---\nname: worker\ndescription: d\n{hook}---\nYou are the agent worker.\n");
    let path = project.agent_file("worker", &text);
    let report = AgentReport::of_text(&text, Some(&path));
    let found = report.definition.expect("it loads");
    let mut worker = AgentDefinition { hooks: found.hooks, ..agent("worker") };
    for hook in &mut worker.hooks {
        hook.origin.scope = codex_task_config::RuleScope::Project;
    }
    worker
}

#[tokio::test]
async fn a_hook_that_hangs_ends_with_its_task() {
    for event in ["SubagentStart", "PreToolUse", "SubagentStop"] {
        let line = "echo $$ > hook.new; mv hook.new hook; exec sleep 300";
        let (runtime, _) = start(project(&[(event, line)]), agent("worker"), &changing());
        let task = RunTask::<String>::new("worker", "go");
        let (id, running) = (task.request.id, runtime.begin(task));
        let file = runtime.project.dir().join("hook");
        wait_until("the hook runs", || file.exists()).await;
        let process = std::fs::read_to_string(&file).expect("its number");
        assert!(runtime.cancel(id).await);
        let report = running.await.expect("the task ends");
        assert!(matches!(report.outcome, Outcome::Cancelled { .. }), "{event}: {:?}", report.outcome);
        wait_until("the hook is gone", || !runs(process.trim())).await;
    }
}

#[tokio::test]
async fn a_hook_has_no_more_time_than_its_task() {
    let (runtime, _) = start(project(&[("PreToolUse", "exec sleep 300")]), agent("worker"), &changing());
    let task = RunTask::<String>::new("worker", "go").timeout(Duration::from_millis(700));
    let report = runtime.run(task).await.expect("the runtime runs");
    assert!(matches!(report.outcome, Outcome::TimedOut { .. }), "{:?}", report.outcome);
}

fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

#[tokio::test]
async fn a_hook_sees_no_key() {
    let mut project = project(&[("PreToolUse", "env > seen")]);
    project.variable("ANTHROPIC_API_KEY", "sk-canary-7d1");
    let (runtime, _) = start(project, agent("worker"), &changing());
    runtime.ask("worker", "go").await;
    let seen = std::fs::read_to_string(runtime.project.dir().join("seen")).expect("it ran");
    assert!(seen.contains("CLAUDE_PROJECT_DIR=") && !seen.contains("canary"), "{seen}");
}
