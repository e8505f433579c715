//! Numbers for people: tokens with separators, lengths of time, the line that sums a run up.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{MicroUsd, RunReport, SavedUsd, TaskReport, TaskStatus};

/// What is known about the money that tasks took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// All of it.
    Known(MicroUsd),
    /// This much, and tasks of which nobody knows.
    AtLeast(MicroUsd),
    /// Nothing.
    Unknown,
}

impl Cost {
    /// The cost of all tasks together.
    fn of(report: &RunReport) -> Self {
        let asked = || all(report).filter(|task| task.usage.total_tokens() > 0);
        let known: MicroUsd = asked().filter_map(|task| task.cost).sum();
        match asked().filter(|task| task.cost.is_none()).count() {
            0 => Self::Known(known),
            _ if known == MicroUsd::default() => Self::Unknown,
            _ => Self::AtLeast(known),
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(cost) if *cost == MicroUsd::default() => f.write_str("no cost"),
            Self::Known(cost) => cost.fmt(f),
            Self::AtLeast(cost) => write!(f, "at least {cost} (some prices unknown)"),
            Self::Unknown => f.write_str("cost unknown"),
        }
    }
}

/// `3 tasks (1 not completed), 12,345 tokens, $0.0272 ($0.1328 saved by prompt caches), 14.2 s`; a scenario counts
/// tokens by a rule of thumb and costs nothing.
pub(crate) fn summary(report: &RunReport, is_scripted: bool) -> String {
    let tasks = counted(report.tasks.len(), "task");
    let tasks = match report.nested.len() {
        0 => tasks,
        nested => format!("{tasks} and {}", counted(nested, "subagent")),
    };
    let failed = all(report).filter(|task| task.status() != TaskStatus::Completed).count();
    let failed = if failed == 0 { String::new() } else { format!(" ({failed} not completed)") };
    let tokens: u64 = all(report).map(|task| task.usage.total_tokens()).sum();
    let (tokens, total) = (thousands(tokens), duration(report.total));
    let (about, cost) =
        if is_scripted { ("about ", "no cost".to_owned()) } else { ("", Cost::of(report).to_string()) };
    let saved: SavedUsd = all(report).map(|task| task.cache_saved).sum();
    let saved = saved.gain().map(|saved| format!(" ({saved} saved by prompt caches)")).unwrap_or_default();
    format!("{tasks}{failed}, {about}{tokens} tokens, {cost}{saved}, {total}")
}

/// All tasks, with those that agents have started.
fn all(report: &RunReport) -> impl Iterator<Item = &Arc<TaskReport>> {
    report.tasks.iter().chain(&report.nested)
}

/// `1 task`, `3 tasks`
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `12,345`
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut separated = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            separated.push(',');
        }
        separated.push(digit);
    }
    separated
}

/// `14.2 MB`
pub(crate) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", thousands(tenths / 10), tenths % 10)
}

/// `0.25 s`, `14.2 s`, `2 min 05 s`, `1 h 02 min`
pub(crate) fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{:.2} s", length.as_secs_f64()),
        1..60 => format!("{:.1} s", length.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let lengths = [250, 14_230, 125_000, 3_720_000].map(Duration::from_millis);
        assert_eq!(lengths.map(duration), ["0.25 s", "14.2 s", "2 min 05 s", "1 h 02 min"]);
    }
}
