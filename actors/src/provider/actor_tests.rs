use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::super::breaker::Standing;
use super::super::permit::CallShape;
use super::super::retry_budget::Try;
use super::super::warm_gate::SharedPrefix;
use super::super::{HealthState, Refusal};
use super::*;
use crate::task::Priority;

const PATIENCE: Duration = Duration::from_secs(20);

type Gate = actix::Addr<ProviderActor>;
type Answer = oneshot::Receiver<Result<Permit, Refusal>>;

fn gate(in_flight_max: usize) -> Gate {
    limited(in_flight_max, ProviderKind::Scripted, RateSettings::default())
}

fn limited(in_flight_max: usize, kind: ProviderKind, limits: RateSettings) -> Gate {
    let provider = ProviderName::new("p");
    let settings = GateSettings { provider, kind, in_flight_max, limits };
    ProviderActor::new(settings, Dice::new()).start()
}

fn shape() -> CallShape {
    CallShape {
        class: "m".into(),
        prompt_tokens: 0,
        cached_tokens: 0,
        output_max: None,
        prefix: None,
        standing: Standing::OnlyRoute,
        attempt: Try::First,
    }
}

fn of_class(class: &str) -> CallShape {
    CallShape { class: class.into(), ..shape() }
}

fn with_another() -> CallShape {
    CallShape { standing: Standing::HasAnother, ..shape() }
}

fn sharing(key: &str) -> CallShape {
    CallShape {
        prefix: Some(SharedPrefix { key: key.into(), tokens: 8_000 }),
        prompt_tokens: 9_000,
        ..shape()
    }
}

async fn ask_for(gate: &Gate, priority: Priority, call: CallShape) -> Answer {
    let (reply, permit) = oneshot::channel();
    gate.send(Acquire { priority, patience: PATIENCE, call, reply }).await.expect("the gate lives");
    permit
}

async fn ask(gate: &Gate, priority: Priority) -> Answer {
    ask_for(gate, priority, shape()).await
}

async fn ask_call(gate: &Gate, call: CallShape) -> Answer {
    ask_for(gate, Priority::Normal, call).await
}

async fn admitted(answer: Answer) -> Permit {
    answer.await.expect("the gate lives").expect("it admits")
}

async fn refused(answer: Answer) -> Refusal {
    answer.await.expect("the gate lives").expect_err("it refuses")
}

/// Whether the gate has answered; it has heard everything that was sent to it before.
async fn is_waiting(gate: &Gate, answer: &mut Answer) -> bool {
    let _: ProviderCounters = gate.send(Observe::new()).await.expect("the gate lives");
    answer.try_recv().is_err()
}

async fn health(gate: &Gate) -> ProviderHealth {
    gate.send(Observe::new()).await.expect("the gate lives")
}

fn answered(permit: Permit) {
    permit.settle(CallVerdict::Answered, TokenUsage::default());
}

fn failed(permit: Permit, error: ProviderError) {
    permit.settle(CallVerdict::Failed(error), TokenUsage::default());
}

fn throttled(retry_after: Duration) -> ProviderError {
    ProviderError::RateLimited { retry_after: Some(retry_after), detail: "slow down".to_owned() }
}

fn down() -> ProviderError {
    ProviderError::Server { status: 500, retry_after: None, detail: "oops".to_owned() }
}

#[actix::test]
async fn callers_beyond_the_cap_wait_and_the_higher_priority_goes_first() {
    let gate = gate(1);
    let first = admitted(ask(&gate, Priority::Low).await).await;
    let mut low = ask(&gate, Priority::Low).await;
    let mut high = ask(&gate, Priority::High).await;
    assert!(low.try_recv().is_err() && high.try_recv().is_err());
    answered(first);
    let second = admitted(high).await;
    assert!(low.try_recv().is_err());
    drop(second);
    admitted(low).await;
}

#[actix::test]
async fn a_caller_that_left_does_not_hold_a_slot() {
    let gate = gate(1);
    let first = admitted(ask(&gate, Priority::Normal).await).await;
    drop(ask(&gate, Priority::Normal).await);
    drop(first);
    admitted(ask(&gate, Priority::Normal).await).await;
    let counters: ProviderCounters = gate.send(Observe::new()).await.expect("the gate lives");
    assert_eq!((counters.admitted, counters.waiting), (2, 0));
}

#[actix::test]
async fn one_429_makes_every_caller_wait_as_long_as_the_server_says() {
    tokio::time::pause();
    let gate = gate(8);
    let hint = Duration::from_secs(7);
    failed(admitted(ask(&gate, Priority::Normal).await).await, throttled(hint));
    let before = Instant::now();
    let waiting = [ask(&gate, Priority::Normal).await, ask(&gate, Priority::High).await];
    join_all(waiting.map(|answer| async { drop(admitted(answer).await) })).await;
    let waited = before.elapsed();
    assert!(waited >= hint && waited <= hint.mul_f64(1.1) + Duration::from_millis(2), "{waited:?}");
}

#[actix::test]
async fn a_429_of_one_class_of_models_holds_up_no_other() {
    tokio::time::pause();
    let gate = gate(8);
    failed(admitted(ask_call(&gate, of_class("opus")).await).await, throttled(Duration::from_secs(9)));
    let mut sibling = ask_call(&gate, of_class("opus")).await;
    drop(admitted(ask_call(&gate, of_class("haiku")).await).await);
    assert!(is_waiting(&gate, &mut sibling).await);
    let health = health(&gate).await;
    assert!(matches!(health.state, HealthState::Paused { left_ms } if left_ms >= 9_000), "{health:?}");
    assert_eq!((health.waiting, health.free, health.classes[1].state), (1, 0, HealthState::Ready));
}

#[actix::test]
async fn a_pause_beyond_a_callers_patience_sends_it_away_at_once_with_the_servers_words() {
    tokio::time::pause();
    let gate = gate(1);
    let first = admitted(ask(&gate, Priority::Normal).await).await;
    let waiting = ask(&gate, Priority::Normal).await;
    let before = Instant::now();
    failed(first, throttled(Duration::MAX));
    for answer in [waiting, ask(&gate, Priority::High).await] {
        let error = refused(answer).await.error;
        let ProviderError::RateLimited { retry_after: Some(left), detail } = error else {
            panic!("the provider's own error, not {error}")
        };
        assert!(left > PATIENCE && detail == "slow down");
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[actix::test]
async fn a_big_request_at_the_head_waits_for_its_tokens_and_the_others_of_its_class_behind_it() {
    tokio::time::pause();
    let limits = RateSettings { itpm: Some(60_000), ..RateSettings::default() };
    let gate = limited(8, ProviderKind::OpenAi, limits);
    let of = |tokens| CallShape { prompt_tokens: tokens, ..shape() };
    let first = admitted(ask_call(&gate, of(6_000)).await).await;
    let mut big = ask_call(&gate, of(5_000)).await;
    let mut small = ask_call(&gate, of(10)).await;
    let other = CallShape { class: "n".into(), ..of(10) };
    drop(admitted(ask_call(&gate, other).await).await);
    assert!(is_waiting(&gate, &mut big).await && is_waiting(&gate, &mut small).await);
    let began = Instant::now();
    let _big = admitted(big).await;
    let waited = began.elapsed();
    // 54,000 tokens come in a minute where nobody but the settings knows the limit.
    assert!(waited >= Duration::from_millis(5_500) && waited < Duration::from_secs(6), "{waited:?}");
    let _small = admitted(small).await;
    drop(first);
}

#[actix::test]
async fn what_was_reserved_and_not_used_is_given_to_those_who_wait() {
    tokio::time::pause();
    let limits = RateSettings { itpm: Some(60_000), ..RateSettings::default() };
    let gate = limited(8, ProviderKind::Anthropic, limits);
    let of = |tokens| CallShape { prompt_tokens: tokens, ..shape() };
    let first = admitted(ask_call(&gate, of(6_000)).await).await;
    let mut second = ask_call(&gate, of(5_000)).await;
    assert!(is_waiting(&gate, &mut second).await);
    let before = Instant::now();
    // Nearly all of the prompt was read from the cache, which is free here.
    let usage = TokenUsage { input_tokens: 500, cache_read_tokens: 5_500, ..TokenUsage::default() };
    first.settle(CallVerdict::Answered, usage);
    let _second = admitted(second).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[actix::test]
async fn limits_that_the_provider_states_are_kept_from_then_on() {
    tokio::time::pause();
    let gate = gate(64);
    let first = admitted(ask(&gate, Priority::Normal).await).await;
    let window = codex_task_providers::RateWindow { limit: Some(60), remaining: Some(2), reset: None };
    first.beginning().tell(&RateLimits { requests: window, ..RateLimits::default() });
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(ask(&gate, Priority::Normal).await);
    }
    let began = Instant::now();
    let _permits = join_all(others.into_iter().map(admitted)).await;
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(1_900) && waited < Duration::from_millis(2_100), "{waited:?}");
}

#[actix::test]
async fn a_provider_that_fails_again_and_again_is_left_alone_and_then_tried_by_one() {
    tokio::time::pause();
    let gate = gate(64);
    for _ in 0..5 {
        failed(admitted(ask_call(&gate, with_another()).await).await, down());
    }
    let refusal = refused(ask_call(&gate, with_another()).await).await;
    assert_eq!(refusal.cause, super::super::RefusalCause::Failing);
    let left = refusal.error.retry_after().expect("it says when");
    assert!(left >= Duration::from_secs(4) && left <= Duration::from_secs(6), "{left:?}");
    assert!(refusal.error.to_string().contains("oops"), "{}", refusal.error);
    tokio::time::advance(left).await;
    let probe = admitted(ask(&gate, Priority::Normal).await).await;
    let mut only = ask(&gate, Priority::Normal).await;
    refused(ask_call(&gate, with_another()).await).await;
    assert!(is_waiting(&gate, &mut only).await, "who has no other route waits for what comes of it");
    assert_eq!(health(&gate).await.state, HealthState::Recovering);
    answered(probe);
    admitted(only).await;
    assert_eq!(health(&gate).await.state, HealthState::Ready);
}

#[actix::test]
async fn throttles_never_stop_calls_for_good() {
    tokio::time::pause();
    let gate = gate(64);
    for _ in 0..30 {
        failed(admitted(ask_call(&gate, with_another()).await).await, throttled(Duration::from_millis(1)));
    }
    admitted(ask_call(&gate, with_another()).await).await;
}

#[actix::test]
async fn a_key_that_is_not_accepted_is_found_out_once_for_all_who_wait_and_all_who_come() {
    tokio::time::pause();
    let gate = limited(1, ProviderKind::Anthropic, RateSettings::default());
    let wrong = ProviderError::Unauthorized { status: 401, detail: "who are you".to_owned() };
    let first = admitted(ask(&gate, Priority::Normal).await).await;
    let waiting = ask_call(&gate, of_class("other")).await;
    failed(first, wrong.clone());
    for answer in [waiting, ask(&gate, Priority::Normal).await] {
        assert_eq!(refused(answer).await.error, wrong);
    }
    assert!(matches!(health(&gate).await.state, HealthState::Closed { .. }));
    tokio::time::advance(Duration::from_mins(5)).await;
    answered(admitted(ask(&gate, Priority::Normal).await).await);
    assert_eq!(health(&gate).await.state, HealthState::Ready);
}

#[actix::test]
async fn retries_beyond_the_budget_are_not_made_and_first_calls_are() {
    tokio::time::pause();
    let gate = gate(64);
    let again = || CallShape { attempt: Try::AfterFailure, ..shape() };
    for _ in 0..10 {
        failed(
            admitted(ask_call(&gate, again()).await).await,
            ProviderError::TooLarge { detail: String::new() },
        );
    }
    let refusal = refused(ask_call(&gate, again()).await).await;
    assert_eq!(refusal.cause, super::super::RefusalCause::RetriesSpent);
    admitted(ask(&gate, Priority::Normal).await).await;
}

#[actix::test]
async fn of_calls_that_share_a_prompt_one_goes_first_and_the_others_when_its_answer_begins() {
    tokio::time::pause();
    let gate = gate(64);
    let first = admitted(ask_call(&gate, sharing("a")).await).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        others.push(ask_call(&gate, sharing("a")).await);
    }
    for other in &mut others {
        assert!(is_waiting(&gate, other).await);
    }
    // Somebody else's prompt, or none, is nothing to wait for.
    let _strangers = (
        admitted(ask_call(&gate, sharing("b")).await).await,
        admitted(ask(&gate, Priority::Normal).await).await,
    );
    let began = Instant::now();
    tokio::time::advance(Duration::from_millis(700)).await;
    first.beginning().tell(&RateLimits::default());
    let _permits = join_all(others.into_iter().map(admitted)).await;
    assert_eq!(began.elapsed(), Duration::from_millis(700));
    let _later = admitted(ask_call(&gate, sharing("a")).await).await;
}

#[actix::test]
async fn when_the_first_call_fails_or_dawdles_the_others_do_not_wait_for_long() {
    tokio::time::pause();
    let gate = gate(64);
    let first = admitted(ask_call(&gate, sharing("a")).await).await;
    let second = ask_call(&gate, sharing("a")).await;
    let mut third = ask_call(&gate, sharing("a")).await;
    failed(first, down());
    let _second = admitted(second).await;
    assert!(is_waiting(&gate, &mut third).await, "the next one is first now");
    let began = Instant::now();
    let _third = admitted(third).await;
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(1_900) && waited <= Duration::from_millis(2_002), "{waited:?}");
}

#[actix::test]
async fn calls_that_grew_too_fast_go_on_at_half_their_rate() {
    tokio::time::pause();
    let gate = gate(64);
    for n in 0..60 {
        let permit = admitted(ask(&gate, Priority::Normal).await).await;
        tokio::time::advance(Duration::from_millis(500)).await;
        if n < 59 {
            answered(permit);
        } else {
            let detail = "slow_down: too fast".to_owned();
            failed(permit, ProviderError::RateLimited { retry_after: Some(Duration::from_secs(1)), detail });
        }
    }
    let began = Instant::now();
    for _ in 0..15 {
        answered(admitted(ask(&gate, Priority::Normal).await).await);
    }
    let waited = began.elapsed();
    // Sixty calls came in the last minute; thirty a minute are half of that.
    assert!(waited >= Duration::from_secs(28) && waited <= Duration::from_secs(32), "{waited:?}");
    assert!(health(&gate).await.classes[0].calls_per_minute_max.is_some());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn within_a_priority_whoever_came_first_goes_first(
        callers in proptest::collection::vec((0_usize..3, 0_u64..3_000), 1..40),
        rpm in proptest::option::of(30_u64..600),
        cap in 1_usize..5,
    ) {
        actix::System::new().block_on(async move {
            tokio::time::pause();
            let limits = RateSettings { rpm, itpm: Some(20_000), ..RateSettings::default() };
            let gate = limited(cap, ProviderKind::OpenAi, limits);
            let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            let blocker = admitted(ask(&gate, Priority::High).await).await;
            let mut fillers = Vec::new();
            for _ in 1..cap {
                fillers.push(ask(&gate, Priority::High).await);
            }
            let mut waiting = Vec::new();
            for (n, (priority, tokens)) in callers.into_iter().enumerate() {
                let priority = [Priority::Low, Priority::Normal, Priority::High][priority];
                let answer = ask_for(&gate, priority, CallShape { prompt_tokens: tokens, ..shape() }).await;
                waiting.push((n, priority, answer));
            }
            drop((blocker, fillers));
            let running = waiting.into_iter().map(|(n, priority, answer)| {
                let order = std::rc::Rc::clone(&order);
                async move {
                    let permit = admitted(answer).await;
                    order.borrow_mut().push((priority, n));
                    answered(permit);
                }
            });
            join_all(running).await;
            let order = order.borrow();
            for priority in [Priority::Low, Priority::Normal, Priority::High] {
                let of_priority: Vec<usize> = order.iter().filter(|(p, _)| *p == priority).map(|(_, n)| *n).collect();
                assert!(of_priority.is_sorted(), "{order:?}");
            }
        });
    }
}
