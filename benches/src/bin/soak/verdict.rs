//! The table, and whether its goals are met.

use std::time::Duration;

use codex_task_benches::{head, row};

use super::leaks::Held;
use super::memory::Memory;
use super::tally::Tally;

/// Shares and memory are judged in runs of this length and more: before, a single task is more than the permille that may
/// fail, and caches, pools and the allocator still fill.
const JUDGED_FROM: Duration = Duration::from_mins(5);

/// Everything that was found out.
pub(crate) struct Findings {
    /// How long tasks were started.
    pub(crate) time: Duration,
    pub(crate) tally: Tally,
    /// Tool calls that did the same again, by the ledger and by the commands' own file.
    pub(crate) duplicates: u64,
    /// Calls whose errand was over.
    pub(crate) strays: usize,
    /// Commands whose effect is missing.
    pub(crate) missing: usize,
    pub(crate) leaked_tasks: usize,
    pub(crate) leaked_permits: usize,
    pub(crate) leaked: Held,
    pub(crate) violations: usize,
    pub(crate) memory: Memory,
    pub(crate) faults: Vec<(&'static str, usize)>,
}

/// A line of the table.
struct Line {
    figure: &'static str,
    value: String,
    goal: &'static str,
    verdict: Verdict,
}

/// What a figure says of its goal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// There is no goal.
    Told,
    Met,
    Missed,
    /// The run was too short to tell.
    Open,
}

impl Verdict {
    fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Missed }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Told => "",
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Open => "too short to tell",
        }
    }
}

impl Findings {
    /// Prints the table. Returns whether all goals are met.
    pub(crate) fn print(&self) -> bool {
        let faults: Vec<String> = self.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!("\nanswers by what went wrong with them: {}", faults.join(", "));
        for remark in &self.tally.remarks {
            println!("{remark}");
        }
        head("soak", &["figure", "value", "goal", ""]);
        let lines = self.lines();
        for line in &lines {
            let mark = line.verdict.mark().to_owned();
            row(&[line.figure.to_owned(), line.value.clone(), line.goal.to_owned(), mark]);
        }
        lines.iter().all(|line| line.verdict != Verdict::Missed)
    }

    fn lines(&self) -> Vec<Line> {
        let (tally, memory) = (&self.tally, self.memory);
        let judged = |is_met| if self.time < JUDGED_FROM { Verdict::Open } else { Verdict::of(is_met) };
        let told = |figure, value| Line { figure, value, goal: "", verdict: Verdict::Told };
        let none = |figure, count: usize| Line {
            figure,
            value: count.to_string(),
            goal: "0",
            verdict: Verdict::of(count == 0),
        };
        let share = |figure, part: u64, of: u64, goal, verdict| Line {
            figure,
            value: format!("{} % ({part} of {of})", percent(part, of)),
            goal,
            verdict,
        };
        let per_mille = |part: u64, of: u64, least: u64| judged(part * 1_000 >= of * least);
        let endings: Vec<String> =
            tally.endings.iter().map(|(status, count)| format!("{status:?} {count}")).collect();
        let mib = |kib: u64| format!("{}.{}", kib >> 10, (kib & 1_023) * 10 / 1_024);
        let resident = [memory.start, memory.quarter, memory.half, memory.end].map(mib).join(" / ");
        vec![
            Line {
                verdict: Verdict::of(tally.tasks > 0),
                goal: "> 0",
                ..told("tasks", tally.tasks.to_string())
            },
            told("endings", endings.join(", ")),
            told("model calls, failed", format!("{}, {}", tally.attempts, tally.failed_attempts)),
            told("tool calls", tally.tool_calls.to_string()),
            told("longest task", format!("{:.1} s", tally.longest.as_secs_f64())),
            share(
                "right verdicts",
                tally.right,
                tally.tasks,
                "100 %",
                Verdict::of(tally.right == tally.tasks),
            ),
            share(
                "completed, of those that should",
                tally.completed,
                tally.should_complete,
                ">= 99.9 %",
                per_mille(tally.completed, tally.should_complete, 999),
            ),
            share(
                "retryable failures recovered",
                tally.recovered,
                tally.retryable,
                ">= 95 %",
                per_mille(tally.recovered, tally.retryable, 950),
            ),
            none("tools run twice", usize::try_from(self.duplicates).unwrap_or(usize::MAX)),
            none("tools run after their task's end", self.strays),
            none("commands without their effect", self.missing),
            none("requests that a vendor would refuse", self.violations),
            none("leaked tasks", self.leaked_tasks),
            none("leaked permits", self.leaked_permits),
            none("leaked descriptors", self.leaked.descriptors),
            none("leaked threads", self.leaked.threads),
            none("leaked child processes", self.leaked.children),
            Line {
                figure: "resident MiB at start / quarter / half / end",
                value: resident,
                goal: "flat",
                verdict: judged(memory.is_flat()),
            },
        ]
    }
}

/// Hundredths of a percent are enough.
fn percent(part: u64, of: u64) -> String {
    let shares = part * 10_000 / of.max(1);
    format!("{}.{:02}", shares / 100, shares % 100)
}
