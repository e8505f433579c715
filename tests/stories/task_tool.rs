//! The Task tool as a host in the same process uses it: offered, called, dropped.

use std::task::{Context, Waker};

use codex_task::{PermissionMode, TaskId, ToolCaller};
use codex_task_config::ToolPattern;
use codex_task_providers::scripted::{Fault, Rule};
use serde_json::{Value, json};

use crate::harness::{
    Runs, TestRuntime, agent, agents, allow_everything, calling, counting, first, once_prompted, scripted,
    texts_of, then, wait_until,
};

fn arguments(prompt: &str) -> Value {
    json!({"description": "a story", "prompt": prompt, "subagent_type": "worker"})
}

#[tokio::test]
async fn a_host_offers_the_tool_with_its_agents_and_answers_calls_with_it() {
    let mut worker = agent("worker");
    worker.disallowed_tools = ToolPattern::parse_list("Bash");
    let model = scripted([Rule::text("the report").when(once_prompted("do it"))]);
    let runtime = TestRuntime::start(|builder| builder.agents(agents([worker])).backend(model.clone()));
    let spec = runtime.tool_spec();
    assert_eq!(spec.name, "Task");
    assert!(
        spec.description.contains("\n- worker: does as told (Tools: All tools except Bash)\n"),
        "{}",
        spec.description
    );
    assert_eq!(spec.input_schema["required"], json!(["description", "prompt", "subagent_type"]));
    let caller = ToolCaller::default();
    let answer = runtime.task_tool().call("Task", &arguments("do it"), &caller).await;
    assert_eq!(answer.blocks, ["the report".to_owned(), format!("agentId: {}", caller.task)]);
    assert!(!answer.is_error);
}

#[tokio::test]
async fn calls_are_handed_over_in_their_order_before_anybody_waits_for_them() {
    let model = scripted([Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        let one = codex_task_config::SettingsOverrides { max_concurrent: Some(1), ..Default::default() };
        builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(one)
    });
    let tool = runtime.task_tool();
    let call = |n: usize| tool.call("Task", &arguments(&format!("task {n}")), &ToolCaller::default());
    let calls: Vec<_> = (0..8).map(call).collect();
    // Waited for in the other order.
    for call in calls.into_iter().rev() {
        assert_eq!(call.await.blocks[0], "done");
    }
    let prompts = model.recorded().iter().filter_map(|request| texts_of(request).pop()).collect::<Vec<_>>();
    assert_eq!(prompts, (0..8).map(|n| format!("task {n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_dropped_call_cancels_its_task_and_a_dropped_tool_its_background_tasks() {
    let model = scripted([Rule::text("never").with_fault(Fault::hang())]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let tool = runtime.task_tool();
    let mut foreground = tool.call("Task", &arguments("hang"), &ToolCaller::default());
    assert!(foreground.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let mut background = arguments("hang in the background");
    background["run_in_background"] = json!(true);
    let launched = tool.call("Task", &background, &ToolCaller::default()).await;
    assert!(launched.blocks[0].starts_with("Async agent launched successfully.\nagentId: "), "{launched:?}");
    wait_until("both run", || runtime.board().len() == 2).await;
    drop(foreground);
    wait_until("the call's task has ended", || runtime.board().len() == 1).await;
    drop(tool);
    wait_until("the other one has ended", || runtime.board().is_empty()).await;
}

#[tokio::test]
async fn a_host_narrows_a_task_but_never_widens_it() {
    let runs = Runs::default();
    let model = scripted([calling("Change").when(first()), Rule::text("{{result}}").when(then("Change"))]);
    let tool = counting("Change", &runs).shared();
    let runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).tool(tool);
        builder.overrides(allow_everything())
    });
    let tool = runtime.task_tool();
    for (mode, expected) in
        [(Some(PermissionMode::Plan), 0), (None, 1), (Some(PermissionMode::BypassPermissions), 2)]
    {
        let caller = ToolCaller { task: TaskId::new(), permission_mode: mode, ..ToolCaller::default() };
        tool.call("Task", &arguments("change"), &caller).await;
        assert_eq!(runs.count(), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn a_caller_that_is_deep_enough_starts_nothing() {
    let model = scripted([Rule::text("done")]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let caller = ToolCaller { depth: 1, ..ToolCaller::default() };
    let refused = runtime.task_tool().call("Task", &arguments("x"), &caller).await;
    assert!(
        refused.is_error && refused.joined().contains("may not start agents of their own"),
        "{refused:?}"
    );
    assert!(model.recorded().is_empty());
}
