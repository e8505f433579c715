//! Providers that are unwell, slow or gone, and what that may cost the others.

use std::collections::HashSet;
use std::time::Duration;

use codex_task::{HealthState, Outcome, RunTask, TaskEventKind, TaskStatus};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Rule};
use codex_task_tests::{Format, Mock, Reply};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use super::{ill_then_well, one_route, second, server_error, trail, two_routes};
use crate::harness::{TestRuntime, agent_on, agents, project_on, scripted};

fn overloaded() -> ProviderError {
    ProviderError::Overloaded { retry_after: None, detail: "busy".into() }
}

#[actix::test]
async fn fault_23_two_server_errors_are_outlived_by_waits_that_are_spread() {
    tokio::time::pause();
    let mut shares = Vec::new();
    let errors = [server_error(500), server_error(502), overloaded(), server_error(504), overloaded()];
    for error in errors.into_iter().cycle().take(30) {
        let kind = error.kind();
        let model = scripted([Rule::error(error).times(2), Rule::text("done")]);
        let stage = one_route(&model, 1);
        let mut events = stage.runtime.events();
        let report = stage.ask("worker", "go").await;
        let failed = ("scripted", Some(kind));
        assert_eq!(trail(&report), [failed, failed, ("scripted", None)]);
        let mut caps = [0.5, 1.0].into_iter();
        while let Ok(event) = events.try_recv() {
            if let TaskEventKind::Retrying { after, .. } = &event.kind {
                shares.push(after.as_secs_f64() / caps.next().expect("two waits"));
            }
        }
    }
    assert_eq!(shares.len(), 60);
    let within = |from: f64, to: f64| shares.iter().filter(|share| (from..=to).contains(*share)).count();
    assert_eq!(within(0.0, 1.0), 60, "never longer than the cap");
    assert!(within(0.0, 0.35) > 6 && within(0.35, 0.65) > 6 && within(0.65, 1.0) > 6, "{shares:?}");
}

#[tokio::test]
async fn fault_24_errors_without_a_readable_body_are_classed_by_their_status() {
    let bodies = [json!("x".repeat(10 << 20)), json!(null), json!("<html><body>Bad gateway</body></html>")];
    for body in bodies {
        let ill = Mock::start(Format::Anthropic, move |_| Reply::Raw {
            code: 503,
            headers: vec![("retry-after", "0".to_owned())],
            body: body.clone(),
        });
        let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
        let runtime = ill_then_well(Format::Anthropic, &ill, &well, "");
        let report = runtime.ask("worker", "go").await;
        let failed = ("ill", Some("overloaded"));
        assert_eq!(trail(&report), [failed, failed, failed, ("well", None)]);
        let told = report.notes.iter().map(String::len).max().unwrap_or_default();
        assert!(told < 2_000, "a body of ten megabytes is not shown");
    }
}

#[actix::test]
async fn fault_25_when_everything_is_down_tasks_fail_fast_and_burden_nobody() {
    tokio::time::pause();
    let (first, second) = (scripted([Rule::error(overloaded())]), second([Rule::error(server_error(500))]));
    let stage = two_routes(&first, &second, 20);
    let began = Instant::now();
    for round in 0..10_u32 {
        for report in join_all((0..20).map(|_| stage.ask("worker", "go"))).await {
            assert_eq!(report.status(), TaskStatus::Failed);
            assert!(report.timing.total < Duration::from_mins(5), "{:?}", report.timing.total);
        }
        let until = Duration::from_mins(1) * (round + 1);
        if let Some(rest) = until.checked_sub(began.elapsed()) {
            tokio::time::sleep(rest).await;
        }
    }
    let (first, second) = (first.recorded().len(), second.recorded().len());
    // 200 tasks in ten minutes: without a breaker each would call three times here and three times there.
    assert!(first <= 240 && second <= 240, "{first} and {second} calls");
    assert!(first < 100, "nearly all were spared the first route: {first}");
}

#[actix::test]
async fn fault_25_the_only_route_is_waited_for_and_comes_back() {
    tokio::time::pause();
    let model = scripted([Rule::error(server_error(503)).times(14), Rule::text("done")]);
    let stage = one_route(&model, 12);
    let reports = join_all((0..12).map(|_| stage.ask("worker", "go"))).await;
    let completed = reports.iter().filter(|report| report.status() == TaskStatus::Completed).count();
    assert_eq!(completed, 12, "{:?}", reports.iter().map(trail).collect::<Vec<_>>());
}

#[tokio::test]
async fn fault_25_a_provider_that_is_shut_says_so_to_whoever_asks() {
    let ill = Mock::start(Format::Anthropic, |_| Reply::status(500, "on fire"));
    let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    let runtime = ill_then_well(Format::Anthropic, &ill, &well, "");
    for _ in 0..3 {
        assert_eq!(runtime.ask("worker", "go").await.status(), TaskStatus::Completed);
    }
    let calls = ill.calls().len();
    assert!((5..=6).contains(&calls), "five failures in a row are enough: {calls}");
    let health = runtime.health().await;
    assert_eq!((health.free_slots(), health.queued), (10, 0));
    let [ill, well] = health.providers.as_slice() else { panic!("both were used") };
    assert!(matches!(ill.state, HealthState::Failing { left_ms } if left_ms <= 6_000), "{ill:?}");
    assert!(ill.free == 0 && well.state == HealthState::Ready && well.free > 0);
    let trouble = health.trouble().join("\n");
    assert!(
        trouble.starts_with("ill is failing, tried again in ") && trouble.contains("on fire"),
        "{trouble}"
    );
}

#[tokio::test]
async fn fault_40_tasks_on_a_fast_provider_do_not_feel_a_slow_one() {
    let slow = Mock::start(Format::Anthropic, |_| Reply::Hangs);
    let fast = Mock::start(Format::OpenAiChat, |_| Reply::text("done"));
    let known =
        agents([agent_on("slow", "slow", Format::Anthropic), agent_on("fast", "fast", Format::OpenAiChat)]);
    let mocks = [("slow", Format::Anthropic, &slow), ("fast", Format::OpenAiChat, &fast)];
    let project = project_on(mocks, "limits:\n  max_concurrent: 40\n");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let hanging: Vec<_> = (0..20).map(|_| runtime.begin(RunTask::new("slow", "go"))).collect();
    crate::harness::wait_until("all of them hang", || slow.in_flight() == 20).await;
    let mut times = Vec::new();
    for _ in 0..40 {
        let began = Instant::now();
        assert_eq!(runtime.ask("fast", "go").await.status(), TaskStatus::Completed);
        times.push(began.elapsed());
    }
    times.sort();
    assert!(times[37] < Duration::from_millis(200), "{times:?}");
    assert_eq!((runtime.cancel_all().await, hanging.len()), (20, 20));
}

#[actix::test]
async fn fault_41_a_thousand_tasks_at_once_lose_no_result_though_nobody_reads_their_events() {
    tokio::time::pause();
    let model = scripted([Rule::text("done")]);
    let stage = one_route(&model, 1_000);
    let _never_read = stage.runtime.events();
    let reports = join_all((0..1_000).map(|_| stage.ask("worker", "go"))).await;
    let ids: HashSet<_> = reports.iter().map(|report| report.task).collect();
    assert_eq!((ids.len(), model.recorded().len()), (1_000, 1_000));
    assert!(reports.iter().all(|report| report.outcome == Outcome::Completed("done".into())));
}

#[actix::test]
async fn fault_41_a_call_that_is_cut_off_in_its_queue_leaves_its_place_to_the_next() {
    tokio::time::pause();
    let model =
        scripted([Rule::error(server_error(500)).with_fault(Fault::hang()).times(1), Rule::text("done")]);
    let stage = one_route(&model, 4);
    let mut first = Box::pin(stage.ask("worker", "hangs"));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut first).await.is_err());
    let began = Instant::now();
    assert_eq!(stage.ask("worker", "go").await.status(), TaskStatus::Completed);
    assert!(began.elapsed() < Duration::from_secs(1));
}
