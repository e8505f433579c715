use proptest::prelude::*;

use super::*;

fn window(limit: u64, remaining: u64, reset: u64) -> RateWindow {
    RateWindow { limit: Some(limit), remaining: Some(remaining), reset: Some(Duration::from_secs(reset)) }
}

fn unlimited(now: Instant) -> Rates {
    Rates::new(RateSettings::default(), CacheReads::Free, now)
}

fn left(rates: &Rates, now: Instant) -> [Option<u64>; 4] {
    let health = rates.health(now);
    [health.requests, health.input_tokens, health.output_tokens, health.tokens]
        .map(|limit| limit.map(|l| l.left))
}

#[test]
fn without_any_limit_nobody_waits() {
    let now = Instant::now();
    let mut rates = unlimited(now);
    let call = rates.estimate(1_000_000, 0, None);
    for _ in 0..1_000 {
        assert_eq!(rates.wait(call, now), Duration::ZERO);
        rates.reserve(call, now);
    }
    assert_eq!(left(&rates, now), [None; 4]);
}

#[test]
fn what_the_provider_states_seeds_the_buckets_and_what_it_has_not_seen_is_taken_off() {
    let now = Instant::now();
    let mut rates = unlimited(now);
    let call = rates.estimate(2_000, 0, Some(300));
    assert_eq!(call, Amounts { requests: 1.0, input: 2_000.0, output: 300.0 });
    rates.reserve(call, now);
    rates.reserve(call, now);
    rates.seen(call);
    let stated = RateLimits {
        requests: window(50, 49, 1),
        input_tokens: window(30_000, 28_000, 4),
        output_tokens: window(8_000, 8_000, 0),
        tokens: window(38_000, 36_000, 4),
    };
    rates.correct(&stated, now);
    assert_eq!(left(&rates, now), [Some(48), Some(26_000), Some(7_700), None]);
    let openai = RateLimits { tokens: window(40_000, 10_000, 45), ..RateLimits::default() };
    let mut joint = unlimited(now);
    joint.correct(&openai, now);
    assert_eq!(left(&joint, now), [None, None, None, Some(10_000)]);
    assert_eq!(
        joint.wait(Amounts { requests: 1.0, input: 19_500.0, output: 500.0 }, now),
        Duration::from_secs(15)
    );
}

#[test]
fn older_words_of_the_provider_raise_nothing() {
    let now = Instant::now();
    let mut rates = unlimited(now);
    rates.correct(&RateLimits { requests: window(60, 10, 50), ..RateLimits::default() }, now);
    rates.correct(&RateLimits { requests: window(60, 12, 48), ..RateLimits::default() }, now);
    assert_eq!(left(&rates, now)[0], Some(10));
    assert_eq!(left(&rates, now + Duration::from_secs(20))[0], Some(30));
}

#[test]
fn a_window_of_a_day_fills_in_a_day() {
    let now = Instant::now();
    let mut rates = unlimited(now);
    rates.correct(&RateLimits { requests: window(200, 0, 86_400), ..RateLimits::default() }, now);
    let wait = rates.wait(Amounts { requests: 1.0, ..Amounts::default() }, now);
    assert_eq!(wait, Duration::from_secs(432));
}

#[test]
fn the_tighter_of_settings_and_provider_holds() {
    let now = Instant::now();
    let settings = RateSettings { rpm: Some(60), ..RateSettings::default() };
    let mut rates = Rates::new(settings, CacheReads::Counted, now);
    rates.correct(&RateLimits { requests: window(1_000, 999, 0), ..RateLimits::default() }, now);
    assert_eq!(rates.health(now).requests, Some(LimitHealth { limit: 6, left: 6 }));
    rates.correct(&RateLimits { requests: window(20, 20, 0), ..RateLimits::default() }, now);
    assert_eq!(rates.health(now).requests, Some(LimitHealth { limit: 20, left: 6 }));
}

#[test]
fn reads_from_the_cache_count_only_where_the_provider_counts_them() {
    let now = Instant::now();
    let usage = TokenUsage {
        input_tokens: 100,
        output_tokens: 7,
        cache_read_tokens: 8_000,
        cache_write_tokens: 50,
        ..TokenUsage::default()
    };
    for (reads, expected) in [(CacheReads::Free, 150.0), (CacheReads::Counted, 8_150.0)] {
        let rates = Rates::new(RateSettings::default(), reads, now);
        assert_eq!(rates.counted(&usage), Amounts { requests: 1.0, input: expected, output: 7.0 });
    }
    assert!((unlimited(now).estimate(9_000, 8_000, None).input - 1_000.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn no_minute_has_more_requests_than_the_settings_say_and_ninety_percent_are_used(rpm in 10_u64..400) {
        let start = Instant::now();
        let settings = RateSettings { rpm: Some(rpm), ..RateSettings::default() };
        let mut rates = Rates::new(settings, CacheReads::Counted, start);
        let call = Amounts { requests: 1.0, ..Amounts::default() };
        let (mut now, mut sent) = (start, Vec::new());
        while now < start + Duration::from_mins(5) {
            let wait = rates.wait(call, now);
            if wait.is_zero() {
                rates.reserve(call, now);
                sent.push(now);
            }
            now += wait;
        }
        let per_minute = usize::try_from(rpm).unwrap();
        for first in &sent {
            let minute = sent.iter().filter(|at| *at >= first && **at < *first + Duration::from_mins(1)).count();
            prop_assert!(minute <= per_minute, "{minute} in a minute of {rpm}");
        }
        // Waits are counted in whole milliseconds, which costs fast rates a little.
        prop_assert!(sent.len() * 100 >= per_minute * 5 * 85, "{} of {}", sent.len(), per_minute * 5);
    }

    #[test]
    fn settling_leaves_exactly_what_was_used(prompt in 0_u64..20_000, used in 0_u64..20_000, output in 0_u64..900) {
        let now = Instant::now();
        let mut rates = unlimited(now);
        let stated = RateLimits {
            input_tokens: window(100_000, 100_000, 0),
            output_tokens: window(10_000, 10_000, 0),
            ..RateLimits::default()
        };
        rates.correct(&stated, now);
        let call = rates.estimate(prompt, 0, None);
        rates.reserve(call, now);
        rates.seen(call);
        rates.settle(call, Amounts { requests: 1.0, input: number(used), output: number(output) }, now);
        prop_assert_eq!(left(&rates, now), [None, Some(100_000 - used), Some(10_000 - output), None]);
    }
}
