//! The tree of spans that a subscriber sees.

use std::time::Duration;

use codex_task::{Outcome, RunTask, RuntimeBuilder, TaskStatus};
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::{Fault, Rule};
use tracing::dispatcher;

use super::captured::Captured;
use super::stage;
use crate::harness::{
    Runs, TestProject, TestRuntime, agent, agents, allow_everything, counting, once_prompted, scripted,
    wait_until,
};

fn start(captured: &Captured, project: TestProject) -> TestRuntime {
    dispatcher::with_default(&captured.subscriber(), || stage::start(project, RuntimeBuilder::spans))
}

#[tokio::test]
async fn a_run_has_its_tasks_they_their_turns_and_these_their_requests_and_tools() {
    let captured = Captured::default();
    let runtime = start(&captured, TestProject::new());
    let report = stage::work(&runtime).await;
    assert_eq!(
        captured.tree(),
        "invoke_workflow\n  \
           invoke_agent worker\n    \
             turn 1\n      \
               chat scripted-1 (quota_exhausted)\n      \
               chat scripted-2\n      \
               execute_tool Look\n      \
               execute_tool Break (tool_error)\n    \
             turn 2\n      \
               chat scripted-2\n"
    );
    let task = captured.named("invoke_agent").remove(0).fields;
    for (field, value) in [
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "worker"),
        ("gen_ai.conversation.id", &report.task.to_string()),
        ("gen_ai.provider.name", "second"),
        ("gen_ai.response.model", "scripted-2"),
        ("gen_ai.usage.input_tokens", &report.usage.prompt_tokens().to_string()),
        ("gen_ai.usage.output_tokens", &report.usage.output_tokens.to_string()),
        ("codex_task.run.id", &report.run.to_string()),
        ("codex_task.outcome", "completed"),
        ("codex_task.turns", "2"),
        ("codex_task.tool_calls", "2"),
    ] {
        assert_eq!(task.get(field).map(String::as_str), Some(value), "{field} in {task:?}");
    }
    let calls = captured.named("chat");
    let failed = &calls[0].fields;
    assert_eq!(failed["otel.kind"], "client");
    assert_eq!(failed["otel.status_code"], "error");
    assert_eq!(failed["gen_ai.request.model"], "scripted-1");
    let used =
        |field| calls.iter().filter_map(|call| call.fields.get(field)?.parse::<u64>().ok()).sum::<u64>();
    assert_eq!(used("gen_ai.usage.output_tokens"), report.usage.output_tokens);
    let tool = &captured.named("execute_tool")[0].fields;
    assert_eq!((tool["gen_ai.tool.name"].as_str(), tool["gen_ai.tool.type"].as_str()), ("Look", "function"));
    stage::assert_no_content(&format!("{:?}", captured.spans()));
}

#[tokio::test]
async fn texts_are_told_only_where_the_user_says_so_and_keys_never() {
    let project = TestProject::new();
    project.user_config("telemetry: {content: true}\n");
    let captured = Captured::default();
    let runtime = start(&captured, project);
    stage::work(&runtime).await;
    let task = captured.named("invoke_agent").remove(0).fields;
    assert!(task["gen_ai.input.messages"].contains(stage::PROMPT), "{task:?}");
    assert!(task["gen_ai.output.messages"].contains(stage::ANSWER), "{task:?}");
    let tool = captured.named("execute_tool").remove(0).fields;
    assert!(tool["codex_task.tool.summary"].contains(stage::ARGUMENT), "{tool:?}");
    let told = format!("{:?}", captured.spans());
    assert!(!told.contains(&stage::key()), "a key is in {told}");
}

#[tokio::test]
async fn a_project_cannot_have_texts_told() {
    let project = TestProject::new();
    project.file("codex-task.yaml", "telemetry: {content: true}\n");
    let captured = Captured::default();
    let runtime = start(&captured, project);
    stage::work(&runtime).await;
    stage::assert_no_content(&format!("{:?}", captured.spans()));
}

#[tokio::test]
async fn whatever_becomes_of_tasks_all_their_spans_are_closed() {
    let runs = Runs::default();
    let model = scripted([
        Rule::fault(Fault::hang()).when(once_prompted("hang")),
        Rule::fault(Fault::panic()).times(1).when(once_prompted("die")),
        Rule::text("done"),
    ]);
    let captured = Captured::default();
    let runtime = dispatcher::with_default(&captured.subscriber(), || {
        TestRuntime::start(|builder| {
            let overrides = SettingsOverrides { max_concurrent: Some(1), ..allow_everything() };
            let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
            builder.overrides(overrides).tool(counting("Change", &runs).shared()).spans()
        })
    });
    let hanging = RunTask::<String>::new("worker", "hang").timeout(Duration::from_millis(300)).request;
    let dying = RunTask::<String>::new("worker", "die").request;
    let unknown = RunTask::<String>::new("nobody", "go").request;
    let waiting = RunTask::<String>::new("worker", "never").request;
    let cancelled = waiting.id;
    let requests = vec![unknown, hanging, dying, waiting];
    let run = runtime.run_all(requests);
    let cancelling = async {
        wait_until("the last one waits", || runtime.board().contains_key(&cancelled)).await;
        assert!(runtime.cancel(cancelled).await);
    };
    let (report, ()) = futures_util::join!(run, cancelling);
    let statuses: Vec<TaskStatus> =
        report.expect("the runtime runs").tasks.iter().map(|task| task.status()).collect();
    let expected = [TaskStatus::Failed, TaskStatus::TimedOut, TaskStatus::Completed, TaskStatus::Cancelled];
    assert_eq!(statuses, expected);
    assert_eq!(
        captured.tree(),
        "invoke_workflow\n  \
           invoke_agent nobody (unknown_agent)\n  \
           invoke_agent worker (timeout)\n    \
             turn 1\n      \
               chat scripted-1 (cancelled)\n  \
           invoke_agent worker\n    \
             turn 1\n      \
               chat scripted-1 (cancelled)\n    \
             turn 1\n      \
               chat scripted-1\n  \
           invoke_agent worker (cancelled)\n"
    );
    let run = &captured.named("invoke_workflow")[0].fields;
    assert_eq!((run["codex_task.tasks"].as_str(), run["codex_task.tasks.failed"].as_str()), ("4", "3"));
}

#[tokio::test]
async fn a_task_of_a_task_is_below_it_and_a_double_closes_nothing() {
    let project = TestProject::new();
    project.user_config("limits: {max_depth: 2}\n");
    let child = serde_json::json!({"description": "a part", "prompt": "part", "subagent_type": "worker"});
    let model =
        scripted([Rule::call("Task", &child).when(once_prompted("whole").turn(1)), Rule::text("done")]);
    let captured = Captured::default();
    let runtime = dispatcher::with_default(&captured.subscriber(), || {
        TestRuntime::start_in(project, |builder| {
            builder
                .agents(agents([agent("worker")]))
                .backend(model.clone())
                .overrides(allow_everything())
                .spans()
        })
    });
    let task = RunTask::<String>::new("worker", "whole");
    let double = RunTask::<String>::from_request(task.request.clone());
    let (first, second) = futures_util::join!(runtime.run(task), runtime.run(double));
    assert_eq!(first.expect("the runtime runs").outcome, Outcome::Completed("done".into()));
    assert_eq!(second.expect("the runtime runs").status(), TaskStatus::Failed);
    assert_eq!(
        captured.tree(),
        "invoke_workflow\n  \
           invoke_agent worker\n    \
             turn 1\n      \
               chat scripted-1\n      \
               execute_tool Task\n    \
             invoke_agent worker\n      \
               turn 1\n        \
                 chat scripted-1\n    \
             turn 2\n      \
               chat scripted-1\n"
    );
}
