//! Rate limits as OpenAI's response headers state them.

use reqwest::header::HeaderMap;

use crate::RateLimits;
use crate::http::{go_duration, rate_window};

/// Reads `x-ratelimit-*`. OpenAI counts prompt and output together.
pub(crate) fn rate_limits(headers: &HeaderMap) -> RateLimits {
    let requests =
        ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
    let tokens = ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
    RateLimits {
        requests: rate_window(headers, requests, go_duration),
        tokens: rate_window(headers, tokens, go_duration),
        ..RateLimits::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::RateWindow;

    #[test]
    fn both_windows_are_read_and_what_is_missing_or_unreadable_stays_empty() {
        let headers: HeaderMap = [
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-limit-tokens", "many"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
        let expected = RateLimits {
            requests: RateWindow {
                limit: Some(500),
                remaining: Some(499),
                reset: Some(Duration::from_millis(120)),
            },
            tokens: RateWindow { limit: None, remaining: None, reset: Some(Duration::from_mins(6)) },
            ..RateLimits::default()
        };
        assert_eq!(rate_limits(&headers), expected);
    }
}
