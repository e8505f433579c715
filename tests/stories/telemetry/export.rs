//! What a collector gets over OTLP.

use std::collections::BTreeMap;
use std::time::Duration;

use codex_task::{RuntimeBuilder, ShutdownReport};
use codex_task_tests::Collector;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use prost::Message as _;
use tokio::time::Instant;

use super::stage;
use crate::harness::TestProject;

/// Longest time that a collector which is of no use may hold up the end of a runtime.
const HOLD_UP_MAX: Duration = Duration::from_secs(4);

fn project(endpoint: &str) -> TestProject {
    let mut project = TestProject::new();
    project.variable("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    project
}

/// Runs the task of the stage and stops the runtime, which sends what there is.
async fn work(project: TestProject) -> ShutdownReport {
    let runtime = stage::start(project, RuntimeBuilder::otlp);
    stage::work(&runtime).await;
    let report = (*runtime).clone().shutdown().await;
    drop(runtime.stopped_already());
    report
}

/// Everything that a collector has, as what it says.
fn received(collector: &Collector) -> Vec<ExportTraceServiceRequest> {
    let bodies = collector.posted().into_iter().map(|posted| posted.body);
    bodies.map(|body| ExportTraceServiceRequest::decode(body).expect("OTLP")).collect()
}

fn values(attributes: &[KeyValue]) -> BTreeMap<&str, Value> {
    let value = |pair: &KeyValue| pair.value.clone()?.value;
    attributes.iter().filter_map(|pair| Some((pair.key.as_str(), value(pair)?))).collect()
}

fn string(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[tokio::test]
async fn a_collector_gets_the_tree_with_the_names_of_the_conventions_and_no_text() {
    let collector = Collector::answering(200);
    let mut project = project(&collector.endpoint());
    project.variable("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary-header");
    work(project).await;
    let posted = collector.posted();
    assert!(!posted.is_empty(), "nothing was sent");
    for post in &posted {
        assert_eq!(post.headers["content-type"], "application/x-protobuf");
        assert_eq!(post.headers["authorization"], "Bearer canary-header");
        stage::assert_no_content(&String::from_utf8_lossy(&post.body));
        assert!(!String::from_utf8_lossy(&post.body).contains("canary-header"));
    }
    let resources: Vec<_> =
        received(&collector).into_iter().flat_map(|request| request.resource_spans).collect();
    for resource in &resources {
        let of_resource = resource.resource.as_ref().expect("a resource");
        assert_eq!(values(&of_resource.attributes).remove("service.name"), Some(string("codex-task")));
    }
    let spans: Vec<Span> =
        resources.into_iter().flat_map(|r| r.scope_spans).flat_map(|scope| scope.spans).collect();
    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}"));
    let (run, task, turn) = (named("invoke_workflow"), named("invoke_agent worker"), named("turn 1"));
    assert!(run.parent_span_id.is_empty());
    assert_eq!((&task.parent_span_id, &turn.parent_span_id), (&run.span_id, &task.span_id));
    for below in ["chat scripted-1", "execute_tool Look", "execute_tool Break"] {
        assert_eq!(named(below).parent_span_id, turn.span_id, "{below}");
    }
    assert_eq!(spans.len(), 9, "{:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    for span in &spans {
        assert_eq!(span.trace_id, run.trace_id);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano && span.events.is_empty(), "{span:?}");
    }
    let failed = named("chat scripted-1");
    assert_eq!(
        (failed.kind(), failed.status.as_ref().map(Status::code)),
        (SpanKind::Client, Some(StatusCode::Error))
    );
    let attributes = values(&failed.attributes);
    for (key, value) in [
        ("gen_ai.operation.name", string("chat")),
        ("gen_ai.provider.name", string("scripted")),
        ("gen_ai.request.model", string("scripted-1")),
        ("error.type", string("quota_exhausted")),
        ("gen_ai.request.stream", Value::BoolValue(true)),
    ] {
        assert_eq!(attributes.get(key), Some(&value), "{key} in {attributes:?}");
    }
    let answered = values(&named("chat scripted-2").attributes);
    assert!(matches!(answered["gen_ai.usage.output_tokens"], Value::IntValue(1..)), "{answered:?}");
    assert!(matches!(answered["gen_ai.response.time_to_first_chunk"], Value::DoubleValue(_)), "{answered:?}");
    let foreign = answered
        .keys()
        .filter(|key| !["gen_ai.", "codex_task.", "error."].iter().any(|p| key.starts_with(p)));
    assert_eq!(foreign.collect::<Vec<_>>(), [&""; 0], "only what is documented is sent");
}

#[tokio::test]
async fn texts_are_sent_where_the_user_says_so_and_keys_never() {
    let collector = Collector::answering(200);
    let project = TestProject::new();
    project
        .user_config(&format!("telemetry: {{otlp_endpoint: '{}', content: true}}\n", collector.endpoint()));
    work(project).await;
    let told: String =
        collector.posted().iter().map(|posted| String::from_utf8_lossy(&posted.body).into_owned()).collect();
    for text in [stage::PROMPT, stage::ANSWER, stage::ARGUMENT] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
    assert!(!told.contains(&stage::key()), "a key is in {told}");
}

#[tokio::test]
async fn a_repository_sends_nothing_anywhere() {
    let collector = Collector::answering(200);
    let project = TestProject::new();
    project.file("codex-task.yaml", &format!("telemetry: {{otlp_endpoint: '{}'}}\n", collector.endpoint()));
    project.settings(&serde_json::json!({ "env": { "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint() } }));
    work(project).await;
    assert!(collector.posted().is_empty());
}

#[tokio::test]
async fn a_collector_that_is_of_no_use_fails_no_task_and_holds_nothing_up() {
    let clean = ShutdownReport { cancelled: 0, abandoned: 0, blocked_workers: 0 };
    let refusing = Collector::answering(503);
    // Nobody listens on the port of a server that has ended.
    let dead = Collector::answering(200).endpoint();
    for endpoint in [refusing.endpoint(), dead] {
        let began = Instant::now();
        assert_eq!(work(project(&endpoint)).await, clean);
        assert!(began.elapsed() < HOLD_UP_MAX, "{endpoint} held up the end for {:?}", began.elapsed());
    }
    assert!(!refusing.posted().is_empty());
}

#[tokio::test]
async fn what_cannot_be_exported_is_a_problem_and_the_runtime_starts() {
    let mut project = project("http://127.0.0.1:4317");
    project.variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let runtime = stage::start(project, RuntimeBuilder::otlp);
    let said: Vec<&str> = runtime.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert!(said.iter().any(|message| message.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc")), "{said:?}");
    stage::work(&runtime).await;
}
