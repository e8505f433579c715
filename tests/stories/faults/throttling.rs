//! Providers that are asked too much, and say so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_task::{Outcome, TaskEventKind, TaskStatus};
use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_providers::{
    ChatBackend, ChatEvent, ChatRequest, ChatStream, ModelLimits, ProviderError, RateLimits, RateWindow,
};
use codex_task_tests::{Format, Mock, Reply};
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use tokio::time::Instant;

use super::{ill_then_well, one_route, second, throttled, trail, two_routes};
use crate::harness::{
    OneClock, Setup, TestRuntime, TestTool, agent, agent_on, agents, calling, first, project_on, scripted,
    then,
};

#[actix::test]
async fn fault_19_a_429_with_a_hint_holds_all_siblings_for_just_that_long() {
    tokio::time::pause();
    for hint in [2_000, 2_500] {
        let hint = Duration::from_millis(hint);
        let model = scripted([Rule::error(throttled(Some(hint))).times(1), Rule::text("done")]);
        let stage = one_route(&model, 20);
        let mut events = stage.runtime.events();
        let first = stage.ask("worker", "first");
        let siblings = async {
            while !matches!(events.recv().await.expect("events come").kind, TaskEventKind::Retrying { .. }) {}
            let began = Instant::now();
            let reports = join_all((0..19).map(|_| stage.ask("worker", "sibling"))).await;
            (began.elapsed(), reports)
        };
        let (report, (waited, reports)) = tokio::join!(first, siblings);
        assert_eq!(trail(&report), [("scripted", Some("rate_limited")), ("scripted", None)]);
        assert!(
            waited >= hint && waited <= hint.mul_f64(1.1) + Duration::from_millis(5),
            "{waited:?} for {hint:?}"
        );
        for sibling in reports {
            assert_eq!(trail(&sibling), [("scripted", None)], "nobody else was throttled");
        }
        assert_eq!(model.recorded().len(), 21);
    }
}

#[tokio::test]
async fn fault_19_every_form_of_the_hint_is_understood() {
    let date = || {
        let at = codex_task_config::WallClock::now() + Duration::from_secs(3);
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    for (header, value) in [("retry-after", "1"), ("retry-after-ms", "600"), ("retry-after", "date")] {
        let value = if value == "date" { date() } else { value.to_owned() };
        let (name, text) = (header, value.clone());
        let mock = Mock::start(Format::Anthropic, move |call| match call.nth {
            0 => refusal(429, &[(name, text.clone())], "rate_limit_error"),
            _ => Reply::text("done"),
        });
        let runtime = alone(&mock);
        let began = Instant::now();
        let report = runtime.ask("worker", "go").await;
        assert_eq!(trail(&report), [("mocked", Some("rate_limited")), ("mocked", None)], "{header}: {value}");
        let (least, most) = if value == "600" { (600, 1_500) } else { (900, 4_500) };
        let waited = began.elapsed();
        assert!(
            waited >= Duration::from_millis(least) && waited < Duration::from_millis(most),
            "{waited:?}: {value}"
        );
    }
}

fn alone(mock: &Mock) -> TestRuntime {
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let project = project_on([("mocked", Format::Anthropic, mock)], "");
    TestRuntime::start_in(project, |builder| builder.agents(known))
}

/// An error in Anthropic's form.
fn refusal(code: u16, headers: &[(&'static str, String)], kind: &str) -> Reply {
    let body = json!({"type": "error", "error": {"type": kind, "message": "number of requests per minute exceeded"}});
    Reply::Raw { code, headers: headers.to_vec(), body }
}

#[actix::test]
async fn fault_20_a_429_without_a_hint_is_waited_for_a_second_and_then_twice_as_long() {
    tokio::time::pause();
    let first = scripted([Rule::error(throttled(None))]);
    let second = second([Rule::text("done")]);
    let stage = two_routes(&first, &second, 1);
    let began = Instant::now();
    let report = stage.ask("worker", "go").await;
    let failed = ("scripted", Some("rate_limited"));
    assert_eq!(trail(&report), [failed, failed, failed, ("second", None)]);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited <= Duration::from_millis(3_310), "{waited:?}");
}

#[tokio::test]
async fn fault_21_money_that_is_used_up_is_never_waited_for_and_told_with_what_to_do() {
    let openai = json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota",
        "param": null, "code": "insufficient_quota"}});
    let gemini = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded", "details": [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
            {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]}});
    let anthropic = json!({"type": "error", "error": {"type": "rate_limit_error",
        "message": "your spend limit is reached", "details": {"error_code": "enforced_spend_limit_reached"}}});
    for (format, body) in [(Format::Anthropic, anthropic), (Format::OpenAi, openai), (Format::Gemini, gemini)]
    {
        let ill =
            Mock::start(format, move |_| Reply::Raw { code: 429, headers: Vec::new(), body: body.clone() });
        let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
        let runtime = ill_then_well(format, &ill, &well, "");
        let report = runtime.ask("worker", "go").await;
        assert_eq!(trail(&report), [("ill", Some("quota_exhausted")), ("well", None)], "{format:?}");
        let help = report.attempts[0].error.as_ref().and_then(ProviderError::help);
        assert!(help.is_some_and(|help| help.contains("billing page")), "{format:?}");
        let next = runtime.ask("worker", "go").await;
        assert_eq!(trail(&next), [("ill", Some("quota_exhausted")), ("well", None)], "{format:?}");
        assert_eq!(ill.calls().len(), 1, "the next task knows it already");
    }
}

#[tokio::test]
async fn fault_22_an_endless_hint_is_left_and_a_senseless_one_is_none() {
    let hints = ["3600", "1e308", "-5", "NaN"];
    for hint in hints {
        let ill = Mock::start(Format::Anthropic, move |call| match call.nth {
            0 => refusal(429, &[("retry-after", hint.to_owned())], "rate_limit_error"),
            _ => Reply::text("from ill"),
        });
        let well = Mock::start(Format::Anthropic, |_| Reply::text("from well"));
        let runtime = ill_then_well(Format::Anthropic, &ill, &well, "");
        let began = Instant::now();
        let report = runtime.ask("worker", "go").await;
        let waited = began.elapsed();
        let is_endless = matches!(hint, "3600" | "1e308");
        let expected = if is_endless { "from well" } else { "from ill" };
        assert_eq!(report.outcome, Outcome::Completed(expected.into()), "{hint}");
        assert_eq!(waited < Duration::from_secs(1), is_endless, "{hint}: {waited:?}");
        assert!(waited < Duration::from_secs(3), "{hint}: {waited:?}");
    }
}

/// A provider with a limit of requests per minute as vendors have it: a bucket that fills steadily. It states its limit
/// with each answer and throttles what comes too fast.
struct Metered {
    model: Arc<ScriptedBackend>,
    per_minute: f64,
    bucket: Mutex<(f64, Instant)>,
    seen: Arc<Mutex<Seen>>,
    /// What its 429 says.
    words: &'static str,
}

/// What a metered provider has seen.
#[derive(Default)]
struct Seen {
    taken: Vec<Instant>,
    throttled: usize,
}

impl Metered {
    fn new(per_minute: f64, words: &'static str, rules: impl IntoIterator<Item = Rule>) -> Arc<Self> {
        let bucket = Mutex::new((per_minute, Instant::now()));
        Arc::new(Self { model: scripted(rules), per_minute, bucket, seen: Arc::default(), words })
    }

    /// Takes a request if there is room; says what is left.
    fn take(&self) -> Result<f64, ProviderError> {
        let mut bucket = self.bucket.lock().expect("no panic");
        let now = Instant::now();
        let filled = now.duration_since(bucket.1).as_secs_f64() * self.per_minute / 60.0;
        *bucket = ((bucket.0 + filled).min(self.per_minute), now);
        let mut seen = self.seen.lock().expect("no panic");
        // What floating point loses in a minute is not held against anybody.
        if bucket.0 < 0.999 {
            seen.throttled += 1;
            return Err(ProviderError::RateLimited { retry_after: None, detail: self.words.into() });
        }
        bucket.0 -= 1.0;
        seen.taken.push(now);
        Ok(bucket.0)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive numbers")]
    async fn answer(&self, request: &ChatRequest) -> Result<ChatStream, ProviderError> {
        let left = self.take()?;
        let answer = self.model.stream(request).await?;
        let full_in = Duration::from_secs_f64((self.per_minute - left) * 60.0 / self.per_minute);
        let window = RateWindow {
            limit: Some(self.per_minute as u64),
            remaining: Some(left as u64),
            reset: Some(full_in),
        };
        let started = ChatEvent::Started { rates: RateLimits { requests: window, ..RateLimits::default() } };
        let rest = answer.filter(|event| std::future::ready(!matches!(event, Ok(ChatEvent::Started { .. }))));
        Ok(stream::iter([Ok(started)]).chain(rest).boxed())
    }
}

impl ChatBackend for Metered {
    fn name(&self) -> &ProviderName {
        self.model.name()
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        self.answer(request).boxed()
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

fn metered_stage(backend: &Arc<Metered>) -> OneClock {
    let mut setup = Setup::new(agents([agent("worker")]), Arc::clone(backend) as Arc<dyn ChatBackend>);
    setup.overrides.max_concurrent = Some(50);
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    OneClock::start(setup)
}

#[actix::test]
async fn fault_38_fifty_tasks_stay_below_sixty_requests_a_minute_and_use_nearly_all_of_them() {
    tokio::time::pause();
    let rules = [calling("Look").when(first()), Rule::text("done").when(then("Look"))];
    let backend = Metered::new(60.0, "slow down", rules);
    let stage = metered_stage(&backend);
    let began = Instant::now();
    for report in join_all((0..50).map(|_| stage.ask("worker", "go"))).await {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
    }
    let elapsed = began.elapsed().as_secs_f64();
    let seen = backend.seen.lock().expect("no panic");
    assert_eq!((seen.throttled, seen.taken.len()), (0, 100));
    // Sixty may come at once, and one a second after that.
    assert!((39.0..=40.0 / 0.9).contains(&elapsed), "{elapsed} s");
}

#[tokio::test]
async fn fault_38_limits_of_the_settings_hold_for_servers_that_state_none() {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&times);
    let mock = Mock::start(Format::OpenAiChat, move |_| {
        seen.lock().expect("no panic").push(Instant::now());
        Reply::text("done")
    });
    let settings = "    limits: {rpm: 300}\nlimits:\n  max_concurrent: 50\n";
    let known = agents([agent_on("worker", "mocked", Format::OpenAiChat)]);
    let project = project_on([("mocked", Format::OpenAiChat, &mock)], settings);
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    for report in join_all((0..36).map(|_| runtime.ask("worker", "go"))).await {
        assert_eq!(report.status(), TaskStatus::Completed);
    }
    let times = times.lock().expect("no panic").clone();
    let lasted = times[35] - times[0];
    // Thirty at once, then 4.5 a second.
    assert!(lasted >= Duration::from_millis(1_200) && lasted < Duration::from_secs(5), "{lasted:?}");
}

#[actix::test]
async fn fault_39_a_provider_that_wants_slower_growth_gets_half_the_rate_and_a_little_more_each_minute() {
    tokio::time::pause();
    let slow_down = ProviderError::RateLimited {
        retry_after: Some(Duration::from_secs(1)),
        detail: "slow_down: you grow too fast".into(),
    };
    let model =
        scripted([Rule::text("done").times(120), Rule::error(slow_down).times(1), Rule::text("done")]);
    let stage = one_route(&model, 8);
    for _ in 0..120 {
        assert_eq!(stage.ask("worker", "go").await.status(), TaskStatus::Completed);
        tokio::time::advance(Duration::from_millis(490)).await;
    }
    stage.ask("worker", "the one too many").await;
    let rates: Vec<f64> = {
        let mut rates = Vec::new();
        for _ in 0..3 {
            let began = Instant::now();
            for _ in 0..60 {
                stage.ask("worker", "go").await;
            }
            rates.push(3_600.0 / began.elapsed().as_secs_f64());
        }
        rates
    };
    assert!((55.0..=67.0).contains(&rates[0]), "half of 120 a minute, not {rates:?}");
    assert!(rates[1] > rates[0] && rates[2] > rates[1] && rates[2] < 80.0, "slowly more: {rates:?}");
}
