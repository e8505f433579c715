//! Rate limits as OpenAI's response headers state them; many hosts copy them.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::{RateLimits, RateWindow};

/// Longest time until a reset that is believed.
const RESET_MAX: Duration = Duration::from_hours(7 * 24);

/// Reads `x-ratelimit-*`.
pub(super) fn rate_limits(headers: &HeaderMap) -> RateLimits {
    RateLimits {
        requests: window(
            headers,
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
        ),
        tokens: window(
            headers,
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
        ),
        ..RateLimits::default()
    }
}

fn window(headers: &HeaderMap, [limit, remaining, reset]: [&str; 3]) -> RateWindow {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
    RateWindow {
        limit: number(limit),
        remaining: number(remaining),
        reset: text(reset).and_then(|text| go_duration(text.trim())),
    }
}

/// A duration as Go prints it: `6m0s`, `12ms`, `1h2m3.5s`; bare numbers are seconds.
fn go_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" | "" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    let is_number = !text.is_empty() && seconds.is_finite();
    is_number.then(|| Duration::try_from_secs_f64(seconds.min(RESET_MAX.as_secs_f64())).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn durations_are_read_as_go_prints_them() {
        let cases = [
            ("6m0s", Some(Duration::from_mins(6))),
            ("12ms", Some(Duration::from_millis(12))),
            ("1h2m3.5s", Some(Duration::from_millis(3_723_500))),
            ("7.66s", Some(Duration::from_millis(7_660))),
            ("0s", Some(Duration::ZERO)),
            ("2", Some(Duration::from_secs(2))),
            ("99999999h", Some(RESET_MAX)),
            ("", None),
            ("soon", None),
            ("-3s", None),
            ("3x", None),
            ("1.2.3s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(go_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn each_window_is_read_and_what_is_missing_or_unreadable_stays_empty() {
        let headers: HeaderMap = [
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "many"),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let requests =
            RateWindow { limit: Some(500), remaining: Some(499), reset: Some(Duration::from_millis(120)) };
        assert_eq!(rate_limits(&headers), RateLimits { requests, ..RateLimits::default() });
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_for_a_duration(text in "\\PC{0,20}") {
            let _ = go_duration(&text);
        }

        #[test]
        fn hours_minutes_and_seconds_add_up(h in 0_u64..24, m in 0_u64..60, s in 0_u64..60) {
            let expected = Duration::from_secs(h * 3600 + m * 60 + s);
            prop_assert_eq!(go_duration(&format!("{h}h{m}m{s}s")), Some(expected));
        }
    }
}
