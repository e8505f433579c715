//! Agent files that change while the runtime runs: the next task sees the change, a running one does not.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskError};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use tokio::sync::Semaphore;

use crate::harness::{TestProject, TestRuntime, TestTool, calling, first, scripted, then, wait_until};

fn file(name: &str, body: &str) -> String {
    format!(
        "---\nname: {name}\ndescription: does as told\ntools: Wait\nmodel: scripted-1\nprovider: scripted\n---\n{body}\n"
    )
}

/// A runtime over the project's agent files, with a tool that waits for the story.
fn start(project: TestProject, model: &Arc<ScriptedBackend>, gate: &Arc<Semaphore>) -> TestRuntime {
    TestRuntime::start_in(project, |builder| {
        let gate = Arc::clone(gate);
        let wait = TestTool::reading("Wait", move |_| {
            let gate = Arc::clone(&gate);
            async move {
                let _open = gate.acquire().await;
                Ok("go on".to_owned())
            }
        });
        builder.backend(model.clone()).tool(wait.shared())
    })
}

fn is_live(runtime: &TestRuntime, name: &str, body: &str) -> bool {
    runtime.agents().get(name).is_some_and(|agent| agent.prompt.contains(body))
}

#[tokio::test]
async fn a_changed_file_is_live_for_the_next_task_and_a_running_task_keeps_what_it_began_with() {
    let project = TestProject::new();
    project.agent_file("worker", &file("worker", "You are the old one."));
    let model = scripted([calling("Wait").when(first()), Rule::text("done").when(then("Wait"))]);
    let gate = Arc::new(Semaphore::new(0));
    let runtime = start(project, &model, &gate);
    let running = runtime.begin(RunTask::new("worker", "first"));
    wait_until("it has begun", || model.recorded().len() == 1).await;
    runtime.project.agent_file("worker", &file("worker", "You are the new one."));
    wait_until("the change is seen", || is_live(&runtime, "worker", "the new one")).await;
    let next = runtime.begin(RunTask::new("worker", "second"));
    wait_until("the next one has begun", || model.recorded().len() == 2).await;
    gate.add_permits(2);
    for task in [running, next] {
        assert_eq!(task.await.expect("no panic").outcome, Outcome::Completed("done".into()));
    }
    for request in model.recorded() {
        let is_first = crate::harness::texts_of(&request).contains(&"first".to_owned());
        let expected = if is_first { "You are the old one." } else { "You are the new one." };
        assert!(request.system.starts_with(expected), "{}", request.system);
    }
}

#[tokio::test]
async fn files_that_come_go_and_break_are_seen_without_a_restart() {
    let model = scripted([Rule::text("done")]);
    let runtime = start(TestProject::new(), &model, &Arc::new(Semaphore::new(1)));
    let error = async |name: &str| match runtime.ask(name, "go").await.outcome {
        Outcome::Failed { error, .. } => Some(error),
        _ => None,
    };
    assert!(matches!(error("late").await, Some(TaskError::UnknownAgent { .. })));
    let path = runtime.project.agent_file("team/late", &file("late", "You came late."));
    wait_until("it is seen", || is_live(&runtime, "late", "You came late.")).await;
    assert_eq!(error("late").await, None);
    runtime.project.agent_file("team/late", "---\nname: late\ndescription: [1, 2\ntools: {\n---\nbroken\n");
    wait_until("the old one is gone", || !is_live(&runtime, "late", "You came late.")).await;
    std::fs::remove_file(path).expect("the file is there");
    wait_until("nothing is left of it", || {
        !runtime.agents().entries().iter().any(|entry| entry.name == "late")
    })
    .await;
    assert!(matches!(error("late").await, Some(TaskError::UnknownAgent { .. })));
}

#[tokio::test]
async fn a_burst_of_changes_ends_with_the_last_one() {
    let project = TestProject::new();
    project.agent_file("worker", &file("worker", "You are number 0."));
    let model = scripted([Rule::text("done")]);
    let runtime = start(project, &model, &Arc::new(Semaphore::new(1)));
    for n in 1..=40 {
        runtime.project.agent_file("worker", &file("worker", &format!("You are number {n}.")));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    wait_until("the last change is seen", || is_live(&runtime, "worker", "You are number 40.")).await;
    assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
}
