//! Typed results: the schema goes to the provider, the answer is checked here, and one mistake may be mended.

use actix::Recipient;
use codex_task::{Outcome, RunTask, TaskError, TaskReport};
use codex_task_config::ToolSelection;
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Pattern, Rule, When};
use codex_task_tests::{Format, Mock, Reply};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::harness::{TestRuntime, agent, agent_on, agents, first, project_on, scripted, texts_of, wait_for};

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
struct Review {
    /// Whether the code may be merged.
    mergeable: bool,
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
struct Finding {
    file_name: String,
    line: u32,
}

const RIGHT: &str = r#"{"mergeable": false, "findings": [{"file_name": "a.rs", "line": 7}]}"#;
const WRONG: &str = r#"{"mergeable": "no", "findings": []}"#;

fn expected() -> Review {
    Review { mergeable: false, findings: vec![Finding { file_name: "a.rs".into(), line: 7 }] }
}

fn start(
    rules: impl IntoIterator<Item = Rule>,
) -> (TestRuntime, std::sync::Arc<codex_task_providers::scripted::ScriptedBackend>) {
    let model = scripted(rules);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    (runtime, model)
}

async fn review(runtime: &TestRuntime) -> TaskReport<Review> {
    runtime.run(RunTask::<Review>::new("worker", "review it")).await.expect("the runtime runs")
}

#[tokio::test]
async fn an_answer_that_follows_the_schema_is_the_result_fenced_or_not() {
    for answer in [RIGHT.to_owned(), format!("```json\n{RIGHT}\n```"), format!("\n  {RIGHT}\n")] {
        let (runtime, model) = start([Rule::text(answer)]);
        assert_eq!(review(&runtime).await.outcome, Outcome::Completed(expected()));
        let request = &model.recorded()[0];
        let output = request.output.as_ref().expect("the schema is sent");
        assert_eq!(
            (&*output.name, &output.schema["properties"]["mergeable"]["type"]),
            ("Review", &json!("boolean"))
        );
        assert!(
            texts_of(request).join("").contains("mergeable"),
            "and told, for servers that cannot enforce it"
        );
    }
}

#[tokio::test]
async fn a_wrong_answer_gets_one_corrective_turn_that_says_what_is_wrong() {
    let corrected = When::default().user(Pattern::text("does not follow the required JSON schema"));
    let (runtime, model) = start([Rule::text(WRONG).when(first()), Rule::text(RIGHT).when(corrected)]);
    let report = review(&runtime).await;
    assert_eq!(report.outcome, Outcome::Completed(expected()));
    assert_eq!(report.turns, 2);
    let correction = texts_of(&model.recorded()[1]).pop().expect("a last text");
    assert!(correction.contains("\"no\"") && correction.contains("/mergeable"), "{correction}");
}

#[tokio::test]
async fn an_answer_that_is_wrong_again_fails_and_keeps_the_text() {
    let (runtime, model) = start([Rule::text("I think it is fine.").times(1), Rule::text(WRONG)]);
    let report = review(&runtime).await;
    let Outcome::Failed { error: TaskError::InvalidOutput { detail }, partial } = report.outcome else {
        panic!("failed, not {:?}", report.outcome)
    };
    assert!(detail.contains("/mergeable"), "{detail}");
    assert_eq!(partial.as_deref(), Some(WRONG));
    assert_eq!(model.recorded().len(), 2);
}

#[tokio::test]
async fn a_crash_during_the_correction_costs_neither_the_answer_nor_a_second_correction() {
    let corrected = || When::default().user(Pattern::text("does not follow the required JSON schema"));
    let (runtime, model) = start([
        Rule::text(WRONG).when(first()),
        Rule::fault(Fault::panic()).when(corrected()).times(1),
        Rule::text(WRONG).when(corrected()),
    ]);
    let report = review(&runtime).await;
    assert!(matches!(report.outcome, Outcome::Failed { error: TaskError::InvalidOutput { .. }, .. }));
    assert_eq!((report.restarts, model.recorded().len()), (1, 3));
}

#[tokio::test]
async fn text_that_happens_to_be_json_stays_text_when_text_was_asked_for() {
    let (runtime, model) = start([Rule::text(r#"  "just a string" "#)]);
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed(r#"  "just a string" "#.to_owned()));
    assert!(model.recorded()[0].output.is_none());
}

#[tokio::test]
async fn other_endings_of_typed_tasks_are_told_as_those_of_untyped_ones() {
    let error = ProviderError::InvalidRequest { status: 400, detail: "no".into() };
    let (runtime, _) = start([Rule::error(error)]);
    let report = review(&runtime).await;
    assert!(matches!(
        report.outcome,
        Outcome::Failed { error: TaskError::AllRoutesFailed { .. }, partial: None }
    ));
}

#[tokio::test]
async fn typed_tasks_go_through_the_supervisors_address_and_its_recipients_too() {
    let (runtime, _) = start([Rule::text(RIGHT)]);
    let address = runtime.supervisor();
    let sent =
        address.send(RunTask::<Review>::new("worker", "review it")).await.expect("the supervisor lives");
    assert_eq!(sent.expect("it takes tasks").outcome, Outcome::Completed(expected()));
    let recipient: Recipient<RunTask<Review>> = address.clone().recipient();
    let received = recipient.send(RunTask::new("worker", "review it")).await.expect("the supervisor lives");
    assert_eq!(received.expect("it takes tasks").outcome, Outcome::Completed(expected()));
    let values: Recipient<RunTask<serde_json::Value>> = address.clone().recipient();
    let value = values.send(RunTask::new("worker", "review it")).await.expect("the supervisor lives");
    let Outcome::Completed(value) = value.expect("it takes tasks").outcome else {
        panic!("any JSON is a value")
    };
    assert_eq!(value["findings"][0]["line"], 7);
}

#[tokio::test]
async fn the_schema_reaches_each_vendor_where_it_belongs() {
    for format in Format::ALL {
        let mock = Mock::start(format, |_| Reply::text(RIGHT));
        // Some compatible servers take a form or tools, not both.
        let mut worker = agent_on("worker", "mocked", format);
        worker.tools = ToolSelection::Listed(Vec::new());
        let known = agents([worker]);
        let project = project_on([("mocked", format, &mock)], "");
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
        assert_eq!(review(&runtime).await.outcome, Outcome::Completed(expected()), "{format:?}");
        let mut body = mock.calls()[0].body.clone();
        let parameters = body.as_object_mut().expect("an object");
        for conversation in ["messages", "input", "contents"] {
            parameters.remove(conversation);
        }
        let parameters = body.to_string();
        assert!(
            parameters.contains("file_name") && parameters.contains("mergeable"),
            "{format:?}: {parameters}"
        );
    }
}

/// A type that a host should not have written.
#[derive(Debug, JsonSchema)]
struct Explosive;

impl<'de> Deserialize<'de> for Explosive {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("read at your own peril")
    }
}

#[tokio::test]
async fn a_type_that_panics_while_it_is_read_costs_its_own_task_only() {
    let slowly =
        Rule::text("done").with_delays(std::time::Duration::from_millis(300), std::time::Duration::ZERO);
    let (runtime, _) = start([Rule::text("null").when(first().prompt(Pattern::text("explode"))), slowly]);
    let neighbour = runtime.begin(RunTask::new("worker", "go on"));
    let report = runtime.run(RunTask::<Explosive>::new("worker", "explode")).await.expect("the runtime runs");
    let Outcome::Failed { error: TaskError::InvalidOutput { detail }, partial } = report.outcome else {
        panic!("it cannot be read, not {:?}", report.outcome)
    };
    assert!(detail.contains("panicked"), "{detail}");
    assert_eq!(partial.as_deref(), Some("null"));
    assert_eq!(neighbour.await.expect("no panic").outcome, Outcome::Completed("done".into()));
}

/// A type that takes its time.
#[derive(Debug, JsonSchema)]
struct Leisurely;

impl<'de> Deserialize<'de> for Leisurely {
    #[expect(clippy::disallowed_methods, reason = "blocking the control thread is the point")]
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        std::thread::sleep(std::time::Duration::from_secs(6));
        <()>::deserialize(from).map(|()| Self)
    }
}

#[tokio::test]
async fn a_control_thread_that_foreign_code_blocks_is_known_to_be_blocked_until_it_goes_on() {
    let (runtime, _) = start([Rule::text("null")]);
    let noticing = async {
        wait_for("it is noticed", async || runtime.health().await.is_stalled).await;
        assert_eq!(runtime.health().await.trouble(), ["the runtime is blocked and does not answer"]);
    };
    let blocking = runtime.run(RunTask::<Leisurely>::new("worker", "take your time"));
    let (report, ()) = futures_util::join!(blocking, noticing);
    assert!(matches!(report.expect("the runtime runs").outcome, Outcome::Completed(Leisurely)));
    wait_for("it goes on", async || !runtime.health().await.is_stalled).await;
}
