//! How much is on record, and how long it stays.

use codex_task::store::{Holdings, Retention};

use crate::render::figures::{counted, megabytes, thousands};

/// `312 runs on record, 14.2 MB with the audit trails; kept for 30 days, at most 1,000 runs and 1,000 MB`
pub(crate) fn kept(holdings: Holdings, retention: Retention) -> String {
    let runs = counted(usize::try_from(holdings.runs).unwrap_or(usize::MAX), "run");
    let days = usize::try_from(retention.age_max.as_secs() / 86_400).unwrap_or(usize::MAX);
    let room = retention.bytes_max.map(|bytes| format!(" and {} MB", thousands(bytes / 1_000_000)));
    format!(
        "{runs} on record, {}{}; kept for {}, at most {} runs{}",
        megabytes(holdings.bytes + holdings.trail_bytes),
        if holdings.trail_bytes > 0 { " with the audit trails" } else { "" },
        counted(days, "day"),
        thousands(u64::from(retention.runs_max)),
        room.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_kept_is_told_in_one_line() {
        let retention = Retention { bytes_max: None, ..Retention::default() };
        let text = kept(Holdings { runs: 1_312, bytes: 14_123_456, trail_bytes: 0 }, retention);
        assert_eq!(text, "1312 runs on record, 14.2 MB; kept for 30 days, at most 1,000 runs");
        let day = Retention { age_max: Duration::from_hours(24), ..Retention::default() };
        let text = kept(Holdings { runs: 1, bytes: 100_000, trail_bytes: 1 }, day);
        assert_eq!(
            text,
            "1 run on record, 0.2 MB with the audit trails; kept for 1 day, at most 1,000 runs and 1,000 MB"
        );
    }
}
