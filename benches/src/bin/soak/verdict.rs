//! The table, and whether its goals are met.

use codex_task_benches::{head, row};

use super::leaks::Held;
use super::memory::Memory;
use super::tally::Tally;

/// Everything that was found out.
pub(crate) struct Findings {
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
    is_met: bool,
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
            let mark = if line.is_met { "met" } else { "MISSED" };
            let mark = if line.goal.is_empty() { "" } else { mark };
            row(&[line.figure.to_owned(), line.value.clone(), line.goal.to_owned(), mark.to_owned()]);
        }
        lines.iter().all(|line| line.is_met)
    }

    fn lines(&self) -> Vec<Line> {
        let (tally, memory) = (&self.tally, self.memory);
        let told = |figure, value| Line { figure, value, goal: "", is_met: true };
        let none =
            |figure, count: usize| Line { figure, value: count.to_string(), goal: "0", is_met: count == 0 };
        let share = |figure, part: u64, of: u64, goal, per_mille: u64| Line {
            figure,
            value: format!("{} % ({part} of {of})", percent(part, of)),
            goal,
            is_met: part * 1_000 >= of * per_mille,
        };
        let endings: Vec<String> =
            tally.endings.iter().map(|(status, count)| format!("{status:?} {count}")).collect();
        let mib = |kib: u64| format!("{}.{}", kib >> 10, (kib & 1_023) * 10 / 1_024);
        let resident = [memory.start, memory.quarter, memory.half, memory.end].map(mib).join(" / ");
        vec![
            Line { is_met: tally.tasks > 0, goal: "> 0", ..told("tasks", tally.tasks.to_string()) },
            told("endings", endings.join(", ")),
            told("model calls, failed", format!("{}, {}", tally.attempts, tally.failed_attempts)),
            told("tool calls", tally.tool_calls.to_string()),
            told("longest task", format!("{:.1} s", tally.longest.as_secs_f64())),
            share("right verdicts", tally.right, tally.tasks, "100 %", 1_000),
            share(
                "completed, of those that should",
                tally.completed,
                tally.should_complete,
                ">= 99.9 %",
                999,
            ),
            share("retryable failures recovered", tally.recovered, tally.retryable, ">= 95 %", 950),
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
                is_met: memory.is_flat(),
            },
        ]
    }
}

/// Hundredths of a percent are enough.
fn percent(part: u64, of: u64) -> String {
    let shares = part * 10_000 / of.max(1);
    format!("{}.{:02}", shares / 100, shares % 100)
}
