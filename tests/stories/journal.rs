//! Runs that outlive their runtime: what is recorded, what is gone on with, and what is left alone.

use std::sync::Arc;

use codex_task::store::{ClaimError, RecordState, Recorder, Records};
use codex_task::{Outcome, ResumeError, RunId, RunTask, TaskStatus};
use codex_task_providers::scripted::Rule;

use crate::harness::{
    Runs, TestProject, TestRuntime, agent, agents, allow_everything, calling, counting, first, once_prompted,
    scripted, then,
};

fn recorder(project: &TestProject) -> Arc<Recorder> {
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    Arc::new(Recorder::start(records, &environment, "a story").expect("it records"))
}

#[tokio::test]
async fn a_finished_run_is_on_record_with_its_usage_and_is_not_run_again() {
    let runs = Runs::default();
    let model = scripted([calling("Change").when(first()), Rule::text("changed it").when(then("Change"))]);
    let project = TestProject::new();
    let recorder = recorder(&project);
    let runtime = TestRuntime::start_in(project, |builder| {
        builder
            .agents(agents([agent("worker")]))
            .backend(model.clone())
            .tool(counting("Change", &runs).shared())
            .overrides(allow_everything())
            .recorder(Arc::clone(&recorder))
    });
    let task = RunTask::<String>::new("worker", "change it").description("a change").request;
    let report = runtime.run_all(vec![task]).await.expect("it runs");
    recorder.flush().await;
    let record = recorder.records().run(report.run).expect("it is read").expect("it is there");
    assert_eq!(record.state, RecordState::Ended(TaskStatus::Completed));
    assert_eq!((record.context.as_str(), record.tasks.len()), ("a story", 1));
    let (stored, told) = (&record.tasks[0], &report.tasks[0]);
    assert_eq!((stored.usage, stored.turns), (told.usage, 2));
    assert_eq!(stored.description.as_deref(), Some("a change"));
    assert_eq!(stored.report.as_ref().expect("a report")["result"], "changed it");

    let again = runtime.resume(report.run).await.expect("there is such a run");
    assert_eq!((again.report.tasks.len(), again.ended, again.running), (0, 1, 0));
    assert_eq!((runs.count(), model.recorded().len()), (1, 2));
    let unknown = runtime.resume(RunId::new()).await.expect_err("there is no such run");
    assert!(matches!(unknown, ResumeError::Claim(ClaimError::UnknownRun(_))), "{unknown}");
}

#[tokio::test]
async fn a_finished_conversation_goes_on_with_a_new_prompt_under_its_id() {
    let model = scripted([
        Rule::text("blue").when(once_prompted("a colour").turn(1)),
        Rule::text("as I said, blue").when(once_prompted("a colour").turn(2)),
    ]);
    let project = TestProject::new();
    let recorder = recorder(&project);
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).recorder(recorder)
    });
    let first = runtime.ask("worker", "a colour").await;
    assert_eq!(first.outcome, Outcome::Completed("blue".to_owned()));
    let id = first.task.to_string();
    let second = runtime.resume_task(&id, "which one?").await.expect("it is remembered");
    assert_eq!(second.outcome, Outcome::Completed("as I said, blue".to_owned()));
    assert_eq!((second.task, second.turns), (first.task, 1));
    let requests = model.recorded();
    let last = requests.last().expect("two requests");
    assert_eq!(last.messages.len(), 3, "opening, answer, new prompt");
    let unknown = runtime.resume_task("zzz", "hello?").await.expect_err("nobody has this id");
    assert_eq!(unknown.to_string(), "No transcript found for agent ID: zzz");
}

#[tokio::test]
async fn tasks_of_a_living_process_are_left_alone() {
    let project = TestProject::new();
    let recorder = recorder(&project);
    let model = scripted([calling("Wait").when(first())]);
    let waiting = crate::harness::TestTool::reading("Wait", |_| std::future::pending());
    let other = Recorder::start(recorder.records().clone(), &project.environment(), "").expect("it records");
    let runtime = TestRuntime::start_in(project, |builder| {
        builder
            .agents(agents([agent("worker")]))
            .backend(model.clone())
            .tool(waiting.shared())
            .overrides(allow_everything())
            .recorder(Arc::clone(&recorder))
    });
    let task = RunTask::<String>::new("worker", "wait");
    let run = task.request.run;
    let running = runtime.begin(task);
    crate::harness::wait_until("the model was asked", || !model.recorded().is_empty()).await;
    recorder.flush().await;
    let claim = other.claim(run).expect("there is such a run");
    assert_eq!((claim.images.len(), claim.running), (0, 1));
    let record = recorder.records().run(run).expect("it is read").expect("it is there");
    assert_eq!(record.state, RecordState::Running);
    assert_eq!(runtime.cancel_all().await, 1);
    let ended = running.await.expect("it is not aborted");
    assert_eq!(ended.status(), TaskStatus::Cancelled);
}
