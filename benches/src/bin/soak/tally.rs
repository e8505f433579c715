//! The sums of all judgements.

use std::collections::BTreeMap;
use std::time::Duration;

use codex_task::{TaskReport, TaskStatus};

use super::judge::Judgement;

/// Wrong verdicts that are shown.
const WRONG_SHOWN_MAX: usize = 20;

/// The sums.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tasks: u64,
    pub(crate) right: u64,
    pub(crate) should_complete: u64,
    pub(crate) completed: u64,
    pub(crate) retryable: u64,
    pub(crate) recovered: u64,
    pub(crate) attempts: u64,
    pub(crate) failed_attempts: u64,
    pub(crate) tool_calls: u64,
    pub(crate) endings: BTreeMap<TaskStatus, u64>,
    pub(crate) commands: Vec<String>,
    pub(crate) longest: Duration,
    /// The first wrong verdicts, and tasks that should have completed.
    pub(crate) remarks: Vec<String>,
}

impl Tally {
    /// Adds a task.
    pub(crate) fn add(&mut self, report: &TaskReport, judgement: Judgement) {
        let count = |number: usize| number as u64;
        self.tasks += 1;
        self.right += u64::from(judgement.wrong.is_none());
        self.should_complete += u64::from(judgement.completion.is_some());
        self.completed += u64::from(judgement.completion == Some(true));
        self.retryable += judgement.retryable;
        self.recovered += judgement.recovered;
        self.attempts += count(report.attempts.len());
        self.failed_attempts +=
            count(report.attempts.iter().filter(|attempt| attempt.error.is_some()).count());
        self.tool_calls += u64::from(report.tool_calls);
        *self.endings.entry(report.status()).or_default() += 1;
        self.commands.extend(judgement.commands);
        self.longest = self.longest.max(report.timing.total);
        if let Some(wrong) = judgement.wrong {
            self.remark(format!("wrong: {wrong}"));
        } else if judgement.completion == Some(false) {
            self.remark(format!("not completed: {:?}", report.outcome));
        }
    }

    /// Adds a task that has no report.
    pub(crate) fn lose(&mut self, why: &str) {
        self.tasks += 1;
        self.remark(format!("wrong: {why}"));
    }

    /// Keeps a remark, unless there are many.
    pub(crate) fn remark(&mut self, text: String) {
        if self.remarks.len() < WRONG_SHOWN_MAX {
            self.remarks.push(text);
        }
    }
}
