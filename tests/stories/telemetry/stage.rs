//! One task that does something of everything, with secrets in all of its texts.

use codex_task::{RunTask, RuntimeBuilder, TaskReport};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Rule, ScriptedCall};
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, TestTool, agents, allow_everything, first, scripted, second, with_fallback,
};

/// What the agent is asked.
pub(super) const PROMPT: &str = "canary-prompt";
/// What it answers.
pub(super) const ANSWER: &str = "canary-answer";
/// What it reads.
pub(super) const RESULT: &str = "canary-result";
/// What it asks a tool for.
pub(super) const ARGUMENT: &str = "canary-argument";
/// What the task is called.
pub(super) const DESCRIPTION: &str = "canary-description";
/// What a provider says of a failure.
pub(super) const FAILURE: &str = "canary-failure";
/// All of them.
pub(super) const TEXTS: [&str; 6] = [PROMPT, ANSWER, RESULT, ARGUMENT, DESCRIPTION, FAILURE];

/// A key, as it may stand in any text.
pub(super) fn key() -> String {
    format!("sk-ant-{}", "c4n4ry".repeat(10))
}

/// A runtime with an agent that fails over once, calls two tools, one of which fails, and answers.
pub(super) fn start(
    project: TestProject,
    build: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> TestRuntime {
    let failing = scripted([Rule::error(ProviderError::QuotaExhausted { detail: FAILURE.to_owned() })]);
    let lookup = json!({ "path": format!("{ARGUMENT} {}", key()) });
    let answering = second([
        Rule::call("Look", &lookup).and_call(ScriptedCall::new("Break", &json!({}))).when(first()),
        Rule::text(format!("{ANSWER} {}", key())),
    ]);
    TestRuntime::start_in(project, |builder| {
        let look = TestTool::reading("Look", |_| async { Ok(RESULT.to_owned()) });
        let fail =
            TestTool::reading("Break", |_| async { Err(codex_task::ToolError::Failed(RESULT.to_owned())) });
        let builder = builder.agents(agents([with_fallback("worker")]));
        let builder = builder.backend(failing).backend(answering).overrides(allow_everything());
        build(builder.tool(look.shared()).tool(fail.shared()))
    })
}

/// Runs the task.
pub(super) async fn work(runtime: &TestRuntime) -> TaskReport {
    let prompt = format!("{PROMPT} {}", key());
    let task = RunTask::<String>::new("worker", prompt).description(DESCRIPTION);
    let report = runtime.run(task).await.expect("the runtime runs");
    assert!(report.outcome.partial().is_none() && report.turns == 2, "{:?}", report.outcome);
    report
}

/// Fails when a text of the task is told, or a key, which never is.
pub(super) fn assert_no_content(told: &str) {
    for text in TEXTS.into_iter().chain([key().as_str()]) {
        assert!(!told.contains(text), "{text} is in {told}");
    }
}
