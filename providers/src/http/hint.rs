//! The server's hint when to come back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::HeaderMap;

/// Longest hint that is believed; anything above is a broken clock or a broken server.
const HINT_MAX: Duration = Duration::from_hours(7 * 24);

/// `retry-after-ms`, else `retry-after` in seconds or as an HTTP date. What makes no sense is no hint: negative
/// numbers, NaN, infinity. Huge ones are cut to a week.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    header_number(headers, "retry-after-ms")
        .and_then(|ms| seconds(ms / 1000.0))
        .or_else(|| header_duration(headers, "retry-after", now))
}

/// A header that holds seconds (`2`, `2.5`) or an HTTP date, as the time from `now`.
fn header_duration(headers: &HeaderMap, name: &str, now: Timestamp) -> Option<Duration> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    if let Ok(number) = text.parse() {
        return seconds(number);
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    // A date that has passed means now.
    let wait = Duration::try_from(date.duration_since(now)).unwrap_or_default();
    Some(wait.min(HINT_MAX))
}

fn header_number(headers: &HeaderMap, name: &str) -> Option<f64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn seconds(number: f64) -> Option<Duration> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    Duration::try_from_secs_f64(number.min(HINT_MAX.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn hint(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let now: Timestamp = "2026-11-24T15:00:00Z".parse().unwrap();
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        retry_after(&headers.iter().map(pair).collect(), now)
    }

    #[test]
    fn milliseconds_win_over_seconds_and_seconds_may_have_a_fraction_or_be_a_date() {
        assert_eq!(
            hint(&[("retry-after-ms", "1500"), ("retry-after", "9")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(hint(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(hint(&[("retry-after", "2.5")]), Some(Duration::from_millis(2500)));
        assert_eq!(hint(&[("retry-after", "Tue, 24 Nov 2026 15:00:30 GMT")]), Some(Duration::from_secs(30)));
        assert_eq!(hint(&[("retry-after", "Tue, 24 Nov 2026 14:00:00 GMT")]), Some(Duration::ZERO));
    }

    #[test]
    fn hints_that_make_no_sense_are_no_hints_and_huge_ones_are_cut() {
        for nonsense in ["-5", "NaN", "inf", "-inf", "soon", ""] {
            assert_eq!(hint(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(hint(&[("retry-after", "1e308")]), Some(HINT_MAX));
        assert_eq!(hint(&[("retry-after", "3600")]), Some(Duration::from_hours(1)));
        assert_eq!(hint(&[("retry-after-ms", "-1"), ("retry-after", "3")]), Some(Duration::from_secs(3)));
        assert_eq!(hint(&[]), None);
    }
}
