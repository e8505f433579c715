//! Requests that a model does not take as they are, and answers that are none.

use codex_task::{Outcome, TaskError, TaskReport};
use codex_task_config::Effort;
use codex_task_providers::scripted::Rule;
use codex_task_tests::{Format, Mock, Reply};
use serde_json::{Value, json};

use super::{ill_then_well, one_route, trail};
use crate::harness::{TestRuntime, agent_on, agents, project_on, scripted};

fn refused(body: Value) -> Reply {
    Reply::Raw { code: 400, headers: Vec::new(), body }
}

#[tokio::test]
async fn fault_27_a_conversation_that_is_too_long_goes_to_a_model_that_reads_more() {
    let texts = [
        (
            Format::Anthropic,
            "claude-haiku-4-5",
            json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "prompt is too long: 208310 tokens > 200000 maximum"}}),
        ),
        (
            Format::OpenAi,
            "gpt-5.4-mini",
            json!({"error": {"type": "invalid_request_error", "param": "input",
            "code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}}),
        ),
        (
            Format::Gemini,
            "gemini-3.8-flash",
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}),
        ),
    ];
    for (format, model, body) in texts {
        let ill = Mock::start(format, move |_| refused(body.clone()));
        let well = Mock::start(Format::OpenAi, |_| Reply::text("done"));
        let mut worker = agent_on("worker", "ill", format);
        worker.model = codex_task_config::ModelChoice::parse(model);
        // Reads more than any of them.
        worker.fallback = vec!["well/gpt-6.1-terra".to_owned()];
        let mocks = [("well", Format::OpenAi, &well), ("ill", format, &ill)];
        let runtime =
            TestRuntime::start_in(project_on(mocks, ""), |builder| builder.agents(agents([worker])));
        let report = runtime.ask("worker", "go").await;
        assert_eq!(trail(&report), [("ill", Some("context_too_long")), ("well", None)], "{format:?}");
        let note = report.notes.join("\n");
        assert!(note.contains("went on with well/gpt-6.1-terra"), "{note}");
    }
}

#[tokio::test]
async fn fault_27_without_such_a_model_the_task_fails_with_the_sizes() {
    let mock =
        Mock::start(Format::Anthropic, |_| Reply::status(400, "prompt is too long: 9 tokens > 8 maximum"));
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let project = project_on([("mocked", Format::Anthropic, &mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let report = runtime.ask("worker", "go").await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((error.kind(), report.attempts.len()), ("context_too_long", 1));
    assert!(error.to_string().contains("9 tokens > 8 maximum"), "{error}");
}

/// Two tasks of an agent whose model refuses something as long as the request has it.
async fn two_tasks(
    format: Format,
    model: &str,
    has_it: impl Fn(&Value) -> bool + Send + Sync + 'static,
    body: Value,
    equip: impl FnOnce(&mut codex_task_config::AgentDefinition),
) -> [TaskReport; 2] {
    let mock =
        Mock::start(
            format,
            move |call| {
                if has_it(&call.body) { refused(body.clone()) } else { Reply::text("done") }
            },
        );
    let mut worker = agent_on("worker", "mocked", format);
    worker.model = codex_task_config::ModelChoice::parse(model);
    equip(&mut worker);
    let project = project_on([("mocked", format, &mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([worker])));
    [runtime.ask("worker", "go").await, runtime.ask("worker", "go").await]
}

fn is_learnt(reports: &[TaskReport; 2], what: &str) {
    let [first, second] = reports;
    assert_eq!(trail(first), [("mocked", Some("parameter_refused")), ("mocked", None)]);
    assert_eq!(trail(second), [("mocked", None)], "the second task knows it");
    for report in reports {
        assert!(report.notes.iter().any(|note| note.starts_with(what)), "{what}: {:?}", report.notes);
    }
}

#[tokio::test]
async fn fault_28_a_parameter_that_a_model_refuses_is_left_out_by_all_later_tasks_with_a_warning() {
    let anthropic = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "`temperature` is deprecated for this model."}});
    let has = |body: &Value| body.get("temperature").is_some();
    let warm = |agent: &mut codex_task_config::AgentDefinition| agent.temperature = Some(0.3);
    is_learnt(&two_tasks(Format::Anthropic, "claude-haiku-4-5", has, anthropic, warm).await, "temperature");

    let openai = json!({"error": {"type": "invalid_request_error", "param": "reasoning.effort",
        "code": "unsupported_value", "message": "Unsupported value"}});
    let has = |body: &Value| body.get("reasoning").is_some();
    let diligent = |agent: &mut codex_task_config::AgentDefinition| agent.effort = Some(Effort::High);
    is_learnt(&two_tasks(Format::OpenAi, "gpt-6-luna", has, openai, diligent).await, "effort");

    let gemini = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "temperature is not supported for this model"}});
    let has = |body: &Value| body.pointer("/generationConfig/temperature").is_some();
    is_learnt(&two_tasks(Format::Gemini, "gemini-3.1-pro-preview", has, gemini, warm).await, "temperature");

    let chat = json!({"error": {"type": "invalid_request_error", "param": "temperature",
        "message": "Unsupported parameter: 'temperature'"}});
    let has = |body: &Value| body.get("temperature").is_some();
    is_learnt(&two_tasks(Format::OpenAiChat, "mock-model", has, chat, warm).await, "temperature");
}

#[tokio::test]
async fn fault_28_what_a_backend_adds_by_itself_is_left_out_too() {
    let body = json!({"error": {"type": "invalid_request_error", "param": "prompt_cache_key",
        "message": "Unknown parameter: 'prompt_cache_key'."}});
    let has = |body: &Value| body.get("prompt_cache_key").is_some();
    let [first, second] = two_tasks(Format::OpenAi, "gpt-6-luna", has, body, |_| ()).await;
    assert_eq!(trail(&first), [("mocked", Some("parameter_refused")), ("mocked", None)]);
    assert_eq!(trail(&second), [("mocked", None)]);
}

#[tokio::test]
async fn fault_30_a_model_that_is_retired_is_followed_by_the_next_of_the_chain_with_a_warning() {
    let ill = Mock::start(Format::OpenAi, |_| Reply::status(404, "The model `gpt-6-luna` does not exist"));
    let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    let runtime = ill_then_well(Format::OpenAi, &ill, &well, "");
    let report = runtime.ask("worker", "go").await;
    assert_eq!(trail(&report), [("ill", Some("model_not_found")), ("well", None)]);
    let note = report.notes.join("\n");
    assert!(note.contains("ill/gpt-6-luna failed (model 'gpt-6-luna' not found"), "{note}");
    assert!(note.contains("went on with well/claude-haiku-5-5"), "{note}");
}

#[tokio::test]
async fn another_price_is_told_when_a_task_goes_elsewhere() {
    let ill = Mock::start(Format::Gemini, |_| Reply::status(404, "no such model"));
    let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    let runtime = ill_then_well(Format::Gemini, &ill, &well, "");
    let note = runtime.ask("worker", "go").await.notes.join("\n");
    assert!(
        note.contains(", which is cheaper: $0.1 and $0.5 per million tokens in and out instead of $"),
        "{note}"
    );
}

#[actix::test]
async fn fault_63_an_empty_answer_is_asked_for_once_more_and_then_told_as_empty() {
    tokio::time::pause();
    let model = scripted([Rule::text("").times(1), Rule::text("done")]);
    let report = one_route(&model, 1).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let model = scripted([Rule::text("")]);
    let report = one_route(&model, 1).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Failed { error: TaskError::EmptyAnswer, partial: None });
    assert_eq!(model.recorded().len(), 2);
}
