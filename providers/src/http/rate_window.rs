//! Rate limits in response headers.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::RateWindow;

/// Reads one window from the headers that hold its limit, what is left of it, and when it is full again. What is
/// missing or unreadable stays empty.
pub(crate) fn rate_window(
    headers: &HeaderMap,
    [limit, remaining, reset]: [&str; 3],
    read_reset: impl FnOnce(&str) -> Option<Duration>,
) -> RateWindow {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|text| text.parse().ok());
    RateWindow { limit: number(limit), remaining: number(remaining), reset: text(reset).and_then(read_reset) }
}
