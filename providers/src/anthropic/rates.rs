//! Rate limits as Anthropic's response headers state them.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use crate::http::rate_window;
use crate::{RateLimits, RateWindow};

/// Reads `anthropic-ratelimit-*`.
pub(super) fn rate_limits(headers: &HeaderMap, now: Timestamp) -> RateLimits {
    RateLimits {
        requests: window(
            headers,
            now,
            [
                "anthropic-ratelimit-requests-limit",
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ],
        ),
        input_tokens: window(
            headers,
            now,
            [
                "anthropic-ratelimit-input-tokens-limit",
                "anthropic-ratelimit-input-tokens-remaining",
                "anthropic-ratelimit-input-tokens-reset",
            ],
        ),
        output_tokens: window(
            headers,
            now,
            [
                "anthropic-ratelimit-output-tokens-limit",
                "anthropic-ratelimit-output-tokens-remaining",
                "anthropic-ratelimit-output-tokens-reset",
            ],
        ),
        tokens: window(
            headers,
            now,
            [
                "anthropic-ratelimit-tokens-limit",
                "anthropic-ratelimit-tokens-remaining",
                "anthropic-ratelimit-tokens-reset",
            ],
        ),
    }
}

fn window(headers: &HeaderMap, now: Timestamp, names: [&str; 3]) -> RateWindow {
    rate_window(headers, names, |reset| {
        let at: Timestamp = reset.parse().ok()?;
        // A time that has passed means that the window is full now.
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn each_window_is_read_and_what_is_missing_or_unreadable_stays_empty() {
        let headers: HeaderMap = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-24T15:00:30Z"),
            ("anthropic-ratelimit-input-tokens-limit", "30000"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-24T14:00:00Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "-1"),
            ("anthropic-ratelimit-tokens-reset", "soon"),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let expected = RateLimits {
            requests: RateWindow {
                limit: Some(50),
                remaining: Some(49),
                reset: Some(Duration::from_secs(30)),
            },
            input_tokens: RateWindow { limit: Some(30_000), remaining: None, reset: Some(Duration::ZERO) },
            ..RateLimits::default()
        };
        assert_eq!(rate_limits(&headers, "2026-11-24T15:00:00Z".parse().unwrap()), expected);
    }
}
