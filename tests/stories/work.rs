//! Agents at work with the built-in tools: what they change, and what they leave behind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RestartPolicy, RunTask, TaskReport};
use codex_task_providers::ChatRequest;
use codex_task_providers::scripted::{Fault, Rule, ScriptedBackend};
use serde_json::json;

use crate::harness::{
    TestRuntime, agent, agents, allow_everything, first, result_of, scripted, texts_of, then, wait_until,
};

fn start(model: &Arc<ScriptedBackend>) -> TestRuntime {
    let restarts = RestartPolicy { backoff_base: Duration::from_millis(1), ..RestartPolicy::default() };
    let model = Arc::clone(model);
    TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model);
        builder.overrides(allow_everything()).restart_policy(restarts)
    })
}

fn completed(report: &TaskReport) -> &str {
    match &report.outcome {
        Outcome::Completed(text) => text,
        other => panic!("{other:?}"),
    }
}

fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

/// Leaves a command running that notes its process, and waits until it has.
fn leaving_a_shell() -> [Rule; 2] {
    let command = "echo $$ > shell.part; mv shell.part shell; echo ready; exec sleep 300";
    let wait = "until [ -e shell ]; do sleep 0.01; done; echo begun";
    [
        Rule::call("Bash", &json!({"command": command, "run_in_background": true})).when(first()),
        Rule::call("Bash", &json!({"command": wait}))
            .when(result_of("running in background with ID: bash_1")),
    ]
}

fn shell_of(runtime: &TestRuntime) -> String {
    std::fs::read_to_string(runtime.project.dir().join("shell")).expect("the shell noted its process")
}

#[actix::test]
async fn a_shell_that_an_agent_leaves_running_ends_with_its_task() {
    let model = scripted(leaving_a_shell().into_iter().chain([Rule::text("done").when(result_of("begun"))]));
    let runtime = start(&model);
    assert_eq!(completed(&runtime.ask("worker", "serve").await), "done");
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_ends_with_a_task_that_is_cancelled() {
    let model =
        scripted(leaving_a_shell().into_iter().chain([Rule::fault(Fault::hang()).when(result_of("begun"))]));
    let runtime = start(&model);
    let task = RunTask::<String>::new("worker", "serve");
    let (id, running) = (task.request.id, runtime.begin(task));
    let file = runtime.project.dir().join("shell");
    wait_until("the shell runs", || Path::new(&file).exists()).await;
    assert!(runs(&shell_of(&runtime)));
    runtime.cancel(id).await;
    running.await.expect("the task ends");
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_outlives_a_crash_of_its_agent_but_not_its_task() {
    let looks = json!({"bash_id": "bash_1"});
    let rules = leaving_a_shell().into_iter().chain([
        Rule::fault(Fault::panic()).when(result_of("begun")).times(1),
        Rule::call("BashOutput", &looks).when(result_of("begun")),
        Rule::text("still there").when(result_of("<stdout>\nready\n</stdout>")),
    ]);
    let runtime = start(&scripted(rules));
    let report = runtime.ask("worker", "serve").await;
    assert_eq!((completed(&report), report.restarts), ("still there", 1));
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_ends_with_an_agent_that_crashes_for_good() {
    let rules = leaving_a_shell().into_iter().chain([Rule::fault(Fault::panic()).when(result_of("begun"))]);
    let runtime = start(&scripted(rules));
    let report = runtime.ask("worker", "serve").await;
    assert!(matches!(report.outcome, Outcome::Crashed { .. }), "{:?}", report.outcome);
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn an_agent_plans_reads_and_changes_several_places_at_once() {
    let todo = json!({"todos": [{"content": "Fix it", "status": "in_progress", "activeForm": "Fixing it"}]});
    let edits = json!({"file_path": "f", "edits": [
        {"old_string": "one", "new_string": "1"},
        {"old_string": "two", "new_string": "2"}
    ]});
    let model = scripted([
        Rule::call("TodoWrite", &todo).when(first()),
        Rule::call("Read", &json!({"file_path": "f"})).when(then("TodoWrite")),
        Rule::call("MultiEdit", &edits).when(then("Read")),
        Rule::text("changed").when(result_of("Applied 2 edits to")),
    ]);
    let runtime = start(&model);
    let file = runtime.project.file("f", "one two\n");
    assert_eq!(completed(&runtime.ask("worker", "fix it").await), "changed");
    assert_eq!(std::fs::read_to_string(file).expect("the file"), "1 2\n");
    let said = |request: &ChatRequest| texts_of(request).join("\n");
    let last = model.recorded().last().map(said).unwrap_or_default();
    assert!(last.contains("Todos have been modified successfully."), "{last}");
}
