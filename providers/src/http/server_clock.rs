//! What time it is for a server.

use codex_task_config::WallClock;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap};

/// When the server wrote a reply, by its own clock: moments that it names are meant by that one. Ours may be wrong, or have
/// been set while the call was on its way; it counts only where the server does not tell.
pub(crate) fn written_at(headers: &HeaderMap) -> Timestamp {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|text| DateTimeParser::new().parse_timestamp(text.trim()).ok());
    date.unwrap_or_else(WallClock::now)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_servers_own_clock_counts_and_ours_only_where_it_has_none() {
        let at = |date: &'static str| {
            written_at(&HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))])).to_string()
        };
        assert_eq!(at("Tue, 24 Nov 2026 15:00:30 GMT"), "2026-11-24T15:00:30Z");
        for headers in [HeaderMap::new(), HeaderMap::from_iter([(DATE, HeaderValue::from_static("today"))])] {
            let away = written_at(&headers).duration_since(WallClock::now());
            assert!(away.abs().as_secs() < 60, "{away:?}");
        }
    }
}
