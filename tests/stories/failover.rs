//! Calls that fail: what is tried again, where, when, and what is told about it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskError, TaskEventKind, TaskStatus};
use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_providers::{ChatBackend, ChatRequest, ChatStream, Message, ModelLimits, ProviderError};
use codex_task_tests::{Call, Format, Mock, Reply};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::Instant;

use crate::harness::{
    KEY, OneClock, Runs, Setup, TestRuntime, TestTool, agent, agent_on, agents, calling, first, model,
    project_on, scripted, second, texts_of, then, trail, with_fallback,
};

fn server_error() -> ProviderError {
    ProviderError::Server { status: 500, retry_after: None, detail: "oops".into() }
}

fn throttled(retry_after: Duration) -> ProviderError {
    ProviderError::RateLimited { retry_after: Some(retry_after), detail: "slow down".into() }
}

fn out_of_money() -> ProviderError {
    ProviderError::QuotaExhausted { detail: "no credit".into() }
}

fn wrong_key() -> ProviderError {
    ProviderError::Unauthorized { status: 401, detail: "who are you".into() }
}

fn too_long() -> ProviderError {
    ProviderError::ContextTooLong { detail: "9 > 8".into() }
}

fn two_providers(first: &Arc<ScriptedBackend>, second: &Arc<ScriptedBackend>) -> OneClock {
    let mut setup = Setup::new(agents([with_fallback("worker")]), first.clone());
    setup.backends.push(second.clone());
    OneClock::start(setup)
}

/// A mock that also keeps when its requests came.
fn timed(respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (Mock, Arc<Mutex<Vec<Instant>>>) {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&times);
    let mock = Mock::start(Format::Anthropic, move |call| {
        seen.lock().expect("no panic").push(Instant::now());
        respond(call)
    });
    (mock, times)
}

fn throttle(seconds: u64) -> Reply {
    Reply::Status { code: 429, message: "slow down".into(), retry_after: Some(seconds) }
}

#[tokio::test]
async fn a_429_is_waited_for_as_long_as_the_server_says_and_then_tried_again() {
    let (mock, times) = timed(|call| if call.nth < 2 { throttle(1) } else { Reply::text("done") });
    let project = project_on([("mocked", Format::Anthropic, &mock)], "");
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!(
        trail(&report),
        [("mocked", Some("rate_limited")), ("mocked", Some("rate_limited")), ("mocked", None)]
    );
    let times = times.lock().expect("no panic").clone();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)), "{times:?}");
}

#[tokio::test]
async fn a_429_makes_all_tasks_of_its_provider_wait_and_nobody_elses() {
    let (mock, times) = timed(|call| if call.nth == 0 { throttle(1) } else { Reply::text("done") });
    let (other, _) = timed(|_| Reply::text("done"));
    let mocks = [("mocked", Format::Anthropic, &mock), ("other", Format::Anthropic, &other)];
    let known = agents([
        agent_on("worker", "mocked", Format::Anthropic),
        agent_on("stranger", "other", Format::Anthropic),
    ]);
    let runtime = TestRuntime::start_in(project_on(mocks, ""), |builder| builder.agents(known));
    let mut events = runtime.events();
    let first = runtime.begin(RunTask::new("worker", "first"));
    while !matches!(events.recv().await.expect("events come").kind, TaskEventKind::Retrying { .. }) {}
    let siblings: Vec<_> = (0..6).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    let began = Instant::now();
    assert_eq!(runtime.ask("stranger", "go").await.status(), TaskStatus::Completed);
    assert!(began.elapsed() < Duration::from_millis(700), "{:?}", began.elapsed());
    for report in join_all(siblings.into_iter().chain([first])).await {
        assert_eq!(report.expect("no panic").outcome, Outcome::Completed("done".into()));
    }
    let times = times.lock().expect("no panic").clone();
    assert_eq!(times.len(), 1 + 7, "one 429 was enough for all");
    assert!(times[1..].iter().all(|time| *time - times[0] >= Duration::from_secs(1)), "{times:?}");
}

#[tokio::test]
async fn a_provider_gets_no_more_calls_at_once_than_its_settings_say() {
    let slow = |_: &Call| Reply::After(Duration::from_millis(20), Box::new(Reply::text("done")));
    let mock = Mock::start(Format::Anthropic, slow);
    let project = project_on([("mocked", Format::Anthropic, &mock)], "    max_in_flight: 2\n");
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let asked = (0..8).map(|n| runtime.begin(RunTask::new("worker", n.to_string())));
    for report in join_all(asked.collect::<Vec<_>>()).await {
        assert_eq!(report.expect("no panic").outcome, Outcome::Completed("done".into()));
    }
    assert_eq!(mock.most_in_flight(), 2);
}

#[actix::test]
async fn server_errors_are_tried_again_after_growing_waits() {
    tokio::time::pause();
    let model = scripted([Rule::error(server_error()).times(2), Rule::text("done")]);
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), model));
    let mut events = stage.runtime.events();
    let report = stage.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let failed = ("scripted", Some("server_error"));
    assert_eq!(trail(&report), [failed, failed, ("scripted", None)]);
    let mut waits = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let TaskEventKind::Retrying { after, error } = &event.kind {
            assert!(error.contains("oops"), "{error}");
            waits.push(*after);
        }
    }
    let caps = [Duration::from_millis(500), Duration::from_secs(1)];
    assert!(waits.len() == 2 && waits.iter().zip(caps).all(|(wait, cap)| *wait <= cap), "{waits:?}");
}

#[actix::test]
async fn what_fails_again_and_again_goes_to_the_next_route_and_the_first_error_is_kept() {
    tokio::time::pause();
    let (first, second) = (scripted([Rule::error(server_error())]), second([Rule::text("done")]));
    let stage = two_providers(&first, &second);
    let mut events = stage.runtime.events();
    let report = stage.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let failed = ("scripted", Some("server_error"));
    assert_eq!(trail(&report), [failed, failed, failed, ("second", None)]);
    let named = |name: &Option<ProviderName>| name.as_ref().map(|name| name.as_str().to_owned());
    assert_eq!(named(&report.provider).as_deref(), Some("second"));
    let note = "scripted/scripted-1 failed (server error 500: oops); went on with second/scripted-2";
    assert_eq!(report.notes, [note]);
    let mut changes = 0;
    while let Ok(event) = events.try_recv() {
        changes += usize::from(matches!(event.kind, TaskEventKind::RouteChanged { .. }));
    }
    assert_eq!((changes, first.recorded().len(), second.recorded().len()), (1, 3, 1));
}

#[actix::test]
async fn a_route_that_failed_for_good_is_not_tried_again_by_the_same_task() {
    tokio::time::pause();
    let first = scripted([Rule::error(wrong_key())]);
    let second = second([calling("Look").when(crate::harness::first()), Rule::text("done")]);
    let mut setup = Setup::new(agents([with_fallback("worker")]), first.clone());
    setup.backends.push(second.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    let stage = OneClock::start(setup);
    let report = stage.ask("worker", "go").await;
    assert_eq!(trail(&report), [("scripted", Some("unauthorized")), ("second", None), ("second", None)]);
}

#[actix::test]
async fn when_every_route_has_failed_the_last_error_says_what_to_do_and_all_are_kept() {
    tokio::time::pause();
    let (first, second) = (scripted([Rule::error(out_of_money())]), second([Rule::error(wrong_key())]));
    let stage = two_providers(&first, &second);
    let report = stage.ask("worker", "go").await;
    let Outcome::Failed { error: TaskError::AllRoutesFailed { attempts }, partial: None } = &report.outcome
    else {
        panic!("failed, not {:?}", report.outcome)
    };
    assert_eq!(*attempts, report.attempts);
    assert_eq!(trail(&report), [("scripted", Some("quota_exhausted")), ("second", Some("unauthorized"))]);
    let error = TaskError::AllRoutesFailed { attempts: attempts.clone() };
    assert_eq!(error.kind(), "unauthorized");
    assert!(error.help().is_some_and(|help| help.contains("check the API key")));
    assert!(error.for_model().starts_with("Agent terminated early due to an API error: "));
}

#[actix::test]
async fn what_waiting_does_not_mend_is_not_tried_again() {
    tokio::time::pause();
    let refused = ProviderError::InvalidRequest { status: 400, detail: "no".into() };
    for (error, routes_tried) in [(out_of_money(), 2), (wrong_key(), 2), (refused, 1)] {
        let (first, second) = (scripted([Rule::error(error.clone())]), second([Rule::text("done")]));
        let stage = two_providers(&first, &second);
        let began = Instant::now();
        let report = stage.ask("worker", "go").await;
        assert_eq!(first.recorded().len(), 1, "{error}");
        assert_eq!(report.attempts.len(), routes_tried, "{error}");
        assert_eq!(began.elapsed(), Duration::ZERO, "{error}");
    }
}

#[actix::test]
async fn a_server_that_wants_hours_of_patience_is_left_at_once_also_by_those_who_come_later() {
    tokio::time::pause();
    let hour = Duration::from_hours(1);
    let (first, second) = (scripted([Rule::error(throttled(hour))]), second([Rule::text("done")]));
    let stage = two_providers(&first, &second);
    let began = Instant::now();
    for _ in 0..3 {
        let report = stage.ask("worker", "go").await;
        assert_eq!(trail(&report), [("scripted", Some("rate_limited")), ("second", None)]);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(first.recorded().len(), 1, "those who came later were not even sent");
}

/// A provider that takes two calls a second, and throttles the rest without saying for how long.
struct TwoPerSecond {
    model: Arc<ScriptedBackend>,
    taken: Mutex<Vec<Instant>>,
    throttled: Runs,
}

impl TwoPerSecond {
    fn takes(&self) -> bool {
        let mut taken = self.taken.lock().expect("no panic");
        taken.retain(|at| at.elapsed() < Duration::from_secs(1));
        let has_room = taken.len() < 2;
        if has_room {
            taken.push(Instant::now());
        }
        has_room
    }
}

impl ChatBackend for TwoPerSecond {
    fn name(&self) -> &ProviderName {
        self.model.name()
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        if self.takes() {
            return self.model.stream(request);
        }
        self.throttled.add();
        let error = ProviderError::RateLimited { retry_after: None, detail: "two calls a second".into() };
        futures_util::future::ready(Err(error)).boxed()
    }

    fn limits(&self, model: &ModelId) -> Option<ModelLimits> {
        self.model.limits(model)
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        self.model.models()
    }

    fn dropped_parameters(&self, request: &ChatRequest) -> Vec<String> {
        self.model.dropped_parameters(request)
    }
}

#[actix::test]
async fn forty_tasks_on_a_provider_that_takes_two_calls_a_second_all_complete() {
    tokio::time::pause();
    let (model, throttled) = (scripted([Rule::text("done")]), Runs::default());
    let limited =
        TwoPerSecond { model: model.clone(), taken: Mutex::default(), throttled: throttled.clone() };
    let mut setup = Setup::new(agents([agent("worker")]), Arc::new(limited));
    setup.overrides.max_concurrent = Some(40);
    let stage = OneClock::start(setup);
    let began = Instant::now();
    for report in join_all((0..40).map(|_| stage.ask("worker", "go"))).await {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
    }
    assert!(began.elapsed() < Duration::from_mins(3), "{:?}", began.elapsed());
    // Without learning it would be some 700.
    assert!(throttled.count() < 4 * 40, "{} times", throttled.count());
    assert_eq!(model.recorded().len(), 40);
}

fn has_state(request: &ChatRequest) -> bool {
    request.messages.iter().any(|m| matches!(&**m, Message::Assistant(turn) if turn.state.is_some()))
}

#[actix::test]
async fn reasoning_that_the_server_does_not_take_back_is_left_out_once() {
    tokio::time::pause();
    let refused = ProviderError::ReasoningState { detail: "unknown signature".into() };
    let model = scripted([
        calling("Look").with_reasoning("hm").when(first()),
        Rule::error(refused).when(then("Look")).times(1),
        Rule::text("done").when(then("Look")),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    let report = OneClock::start(setup).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let carried: Vec<bool> = model.recorded().iter().map(has_state).collect();
    assert_eq!(carried, [false, true, false]);
}

#[tokio::test]
async fn reasoning_of_one_provider_is_never_shown_to_another() {
    let mock = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    let scripted = scripted([
        calling("Look").with_reasoning("a private thought").when(first()),
        Rule::error(wrong_key()).when(then("Look")),
    ]);
    let mut worker = agent("worker");
    worker.fallback = vec![format!("mocked/{}", model(Format::Anthropic))];
    let project = project_on([("mocked", Format::Anthropic, &mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| {
        let look = TestTool::reading("Look", |_| async { Ok("seen".to_owned()) });
        builder.agents(agents([worker])).backend(scripted.clone()).tool(look.shared())
    });
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let calls = mock.calls();
    assert_eq!(calls.len(), 1);
    assert!(has_state(&scripted.recorded()[1]), "its own provider gets it back");
    let everything = calls[0].everything();
    assert!(!everything.contains("private thought") && everything.contains("seen"), "{everything}");
}

#[actix::test]
async fn a_parameter_that_the_model_does_not_take_is_left_out_and_stays_out() {
    tokio::time::pause();
    let refused = ProviderError::Parameter { parameter: "temperature".into(), detail: "not here".into() };
    let model = scripted([
        Rule::error(refused).times(1),
        calling("Look").when(first()),
        Rule::text("done").when(then("Look")),
    ]);
    let mut worker = agent("worker");
    worker.temperature = Some(0.5);
    let mut setup = Setup::new(agents([worker]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    let report = OneClock::start(setup).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let sent: Vec<Option<f32>> = model.recorded().iter().map(|request| request.temperature).collect();
    assert_eq!(sent, [Some(0.5), None, None]);
}

#[actix::test]
async fn a_conversation_that_is_too_long_is_summed_up_and_goes_on() {
    tokio::time::pause();
    let model = scripted([
        calling("Look").when(first()).times(1),
        Rule::error(too_long()).when(then("Look")).times(1),
        Rule::text("I have seen the file").when(then("Look")),
        Rule::text("done"),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("a long file".to_owned()) }).shared()];
    let report = OneClock::start(setup).ask("worker", "read the file").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let requests = model.recorded();
    let last = texts_of(&requests[3]).join("\n");
    assert!(last.contains("read the file") && last.contains("I have seen the file"), "{last}");
    assert!(!last.contains("a long file"), "{last}");
    assert!(report.notes.iter().any(|note| note.starts_with("context compacted")), "{:?}", report.notes);
}

#[actix::test]
async fn a_task_that_is_too_long_from_the_beginning_fails_and_says_so() {
    tokio::time::pause();
    let model = scripted([Rule::error(too_long())]);
    let report =
        OneClock::start(Setup::new(agents([agent("worker")]), model.clone())).ask("worker", "go").await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("failed, not {:?}", report.outcome) };
    assert_eq!((error.kind(), model.recorded().len()), ("context_too_long", 1));
}

#[tokio::test]
async fn a_wrong_key_fails_with_help_and_is_in_no_text() {
    let mock = Mock::start(Format::Anthropic, |_| Reply::status(401, &format!("invalid x-api-key {KEY}")));
    let project = project_on([("mocked", Format::Anthropic, &mock)], "");
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let report = runtime.ask("worker", "go").await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("failed, not {:?}", report.outcome) };
    assert_eq!((error.kind(), report.attempts.len()), ("unauthorized", 1));
    assert!(error.help().is_some_and(|help| help.contains("API key")));
    assert!(!format!("{report:?} {error} {}", error.for_model()).contains(KEY));
}
