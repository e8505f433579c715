//! What Prometheus reads.

use std::net::SocketAddr;
use std::time::Duration;

use codex_task::{RunTask, Runtime, StartError};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::Rule;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stage;
use crate::harness::{TestProject, TestRuntime, agent, agents, once_prompted, scripted, wait_for};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Head and body of the answer to a request.
async fn ask(address: SocketAddr, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await.expect("it is read");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

async fn scrape(address: SocketAddr) -> String {
    let (head, body) = ask(address, &format!("GET /metrics HTTP/1.1\r\nhost: {address}")).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/openmetrics-text"), "{head}");
    body
}

#[tokio::test]
async fn what_tasks_have_done_can_be_read_as_figures_and_none_of_their_texts() {
    let runtime = stage::start(TestProject::new(), |builder| builder.metrics(ANY));
    let address = runtime.metrics_address().expect("figures are served");
    let before = scrape(address).await;
    assert!(before.contains("\ncodex_task_tasks_running 0\n") && before.ends_with("# EOF\n"), "{before}");
    let report = stage::work(&runtime).await;
    let told = scrape(address).await;
    let output = report.usage.output_tokens;
    for line in [
        "codex_task_tasks_total{outcome=\"completed\"} 1".to_owned(),
        "codex_task_task_duration_seconds_count{outcome=\"completed\"} 1".to_owned(),
        "codex_task_task_slots 10".to_owned(),
        "codex_task_tasks_queued 0".to_owned(),
        "codex_task_provider_calls_total{provider=\"scripted\",model=\"scripted-1\",outcome=\"quota_exhausted\"} 1"
            .to_owned(),
        "codex_task_provider_calls_total{provider=\"second\",model=\"scripted-2\",outcome=\"ok\"} 2".to_owned(),
        format!("codex_task_tokens_total{{provider=\"second\",model=\"scripted-2\",type=\"output\"}} {output}"),
        "codex_task_time_to_first_token_seconds_count{provider=\"second\",model=\"scripted-2\"} 2".to_owned(),
        "codex_task_route_changes_total{provider=\"second\"} 1".to_owned(),
        "codex_task_tool_calls_total{tool=\"Look\",outcome=\"ok\"} 1".to_owned(),
        "codex_task_tool_calls_total{tool=\"Break\",outcome=\"error\"} 1".to_owned(),
        "codex_task_tool_duration_seconds_count{tool=\"Look\"} 1".to_owned(),
        "codex_task_restarts_total{what=\"agent\"} 0".to_owned(),
        "codex_task_provider_state{provider=\"second\",state=\"ready\"} 1".to_owned(),
        "codex_task_provider_state{provider=\"second\",state=\"paused\"} 0".to_owned(),
        "codex_task_provider_calls_in_flight{provider=\"second\"} 0".to_owned(),
        "codex_task_provider_breaker_opened_total{provider=\"second\"} 0".to_owned(),
    ] {
        assert!(told.lines().any(|other| other == line), "{line} is not in {told}");
    }
    stage::assert_no_content(&told);
}

#[tokio::test]
async fn a_provider_that_throttles_is_paused_and_what_is_tried_again_is_counted() {
    let throttled =
        |retry_after| ProviderError::RateLimited { retry_after: Some(retry_after), detail: "slow".into() };
    let model = scripted([
        Rule::error(throttled(Duration::from_millis(1))).times(1).when(once_prompted("soon")),
        Rule::error(throttled(Duration::from_mins(50))).when(once_prompted("late")),
        Rule::text("done"),
    ]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model).metrics(ANY));
    let address = runtime.metrics_address().expect("figures are served");
    runtime.ask("worker", "soon").await;
    let told = scrape(address).await;
    assert!(told.contains("\ncodex_task_retries_total 1\n"), "{told}");
    let late = runtime.begin(RunTask::<String>::new("worker", "late"));
    let paused = async || {
        let told = scrape(address).await;
        told.contains("codex_task_provider_state{provider=\"scripted\",state=\"paused\"} 1\n")
            && told.contains("codex_task_provider_throttled_total{provider=\"scripted\"} 2\n")
            && !told.contains("codex_task_provider_pause_seconds{provider=\"scripted\"} 0.0\n")
    };
    wait_for("the pause is told", paused).await;
    drop(late);
}

#[tokio::test]
async fn figures_are_served_to_this_machine_by_its_own_names_only() {
    let runtime = stage::start(TestProject::new(), |builder| builder.metrics(ANY));
    let address = runtime.metrics_address().expect("figures are served");
    for (head, status) in [
        ("GET /metrics HTTP/1.1\r\nhost: elsewhere.example", "403"),
        ("GET /metrics HTTP/1.1\r\nhost: localhost", "200"),
        ("GET /metrics HTTP/1.1\r\nhost: [::1]:9464", "200"),
        ("GET / HTTP/1.1\r\nhost: localhost", "404"),
        ("DELETE /metrics HTTP/1.1\r\nhost: localhost", "405"),
    ] {
        let (answer, _) = ask(address, head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer} to {head}");
    }
    let start = |address: SocketAddr| {
        Runtime::builder().environment(TestProject::new().environment()).metrics(address).start().map(drop)
    };
    let everybody = SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0);
    assert!(matches!(start(everybody), Err(StartError::MetricsAddress(_))));
    assert!(matches!(start(address), Err(StartError::MetricsListen(..))));
}
