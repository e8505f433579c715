//! Whether a task has ended as it should.

use std::time::Duration;

use codex_task::{Outcome, TaskError, TaskReport};
use codex_task_providers::Remedy;

use super::errand::{Errand, Kind, LATE_TIMEOUT, Step};
use codex_task_benches::Ledger;

/// Time that any ending may take, from the moment on which it is due.
const GRACE: Duration = Duration::from_secs(1);
/// Time that a cancelled task may take to end.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// What is thought of one task.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// What is wrong with its verdict.
    pub(crate) wrong: Option<String>,
    /// Whether it should complete, and whether it did.
    pub(crate) completion: Option<bool>,
    /// Failures after which trying again can help.
    pub(crate) retryable: u64,
    /// Those of them that a later answer has made good.
    pub(crate) recovered: u64,
    /// Commands that it has run for certain.
    pub(crate) commands: Vec<String>,
}

/// Judges a task. What it has booked is forgotten by the ledger.
pub(crate) fn judge(errand: Errand, report: &TaskReport, ledger: &Ledger) -> Judgement {
    let booked: Vec<(Step, u64, String)> = (0..errand.steps)
        .map(|step| {
            let key = errand.key(step);
            (errand.step(step), ledger.take(&key), key)
        })
        .collect();
    let should_complete = matches!(errand.kind, Kind::Works | Kind::Panics);
    let is_complete = matches!(report.outcome, Outcome::Completed(_));
    let (retryable, recovered) = if should_complete { recovery(report) } else { (0, 0) };
    let mut wrong = wrong_ending(errand, report);
    if wrong.is_none() {
        let is_off = |(step, times, _): &&(Step, u64, String)| match step {
            Step::Entry | Step::Panic => *times > 1 || (is_complete && *times != 1),
            Step::Command => *times > 0,
        };
        wrong = booked.iter().find(is_off).map(|(_, times, key)| format!("{key} was booked {times} times"));
    }
    let commands = booked.into_iter().filter(|(step, ..)| is_complete && *step == Step::Command);
    Judgement {
        wrong: wrong.map(|wrong| format!("{errand:?}: {wrong}")),
        completion: should_complete.then_some(is_complete),
        retryable,
        recovered,
        commands: commands.map(|(.., key)| key).collect(),
    }
}

/// What is wrong with an ending. A task that should complete and did not has a right verdict when it says so and has tried:
/// whether that happens too often is another question.
fn wrong_ending(errand: Errand, report: &TaskReport) -> Option<String> {
    let last_failed = |error: &TaskError| {
        // An answer that says nothing, twice, is a failure of the model's and not of a call.
        *error == TaskError::EmptyAnswer
            || report.attempts.last().is_some_and(|attempt| attempt.error.is_some())
    };
    let is_right = match (&report.outcome, errand.kind) {
        (Outcome::Completed(text), Kind::Works | Kind::Panics | Kind::Cancelled) => {
            *text == errand.report() && u64::from(report.tool_calls) == errand.steps
        }
        // One that should be cancelled was over before.
        // No route can answer in the time that is left, and it says so before that is over.
        (Outcome::Failed { error, .. }, Kind::Late) => last_failed(error),
        (Outcome::Failed { error, .. }, Kind::Works | Kind::Panics | Kind::Refused | Kind::Cancelled) => {
            last_failed(error)
        }
        (Outcome::TimedOut { after, .. }, Kind::Late) => {
            *after == LATE_TIMEOUT
                && report.timing.total.saturating_sub(report.timing.queued) <= LATE_TIMEOUT + GRACE
        }
        (Outcome::Cancelled { .. }, Kind::Cancelled) => true,
        _ => false,
    };
    let trail = || {
        report.attempts.iter().map(|attempt| attempt.error.as_ref().map_or("answered", |error| error.kind()))
    };
    (!is_right).then(|| format!("{:?} after {:?}", report.outcome, trail().collect::<Vec<_>>()))
}

/// Failures after which trying again can help, and those that a later answer has made good.
fn recovery(report: &TaskReport) -> (u64, u64) {
    let answered = report.attempts.iter().rposition(|attempt| attempt.error.is_none());
    let is_retryable = |error: &codex_task_providers::ProviderError| error.remedy() == Remedy::Retry;
    let failures = report.attempts.iter().enumerate();
    let failures = failures.filter(|(_, attempt)| attempt.error.as_ref().is_some_and(is_retryable));
    failures.fold((0, 0), |(all, good), (place, _)| {
        (all + 1, good + u64::from(answered.is_some_and(|answered| place < answered)))
    })
}
