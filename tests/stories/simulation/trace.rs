//! What happened in a seed, line by line: the same again whenever it is repeated.

use std::cell::RefCell;

use codex_task::{CallReport, TaskEventKind, TaskReport};
use tokio::time::Instant;

/// See the module.
#[derive(Default)]
pub(super) struct Trace(RefCell<Vec<String>>);

impl Trace {
    /// Notes what happened to a task.
    pub(super) fn task(&self, began: Instant, task: usize, what: &TaskEventKind) {
        let what = match what {
            TaskEventKind::Finished(report) => told(report),
            // Their numbers go on from one life to the next.
            TaskEventKind::CallSent { provider, .. } => format!("CallSent {provider}"),
            TaskEventKind::CallEnded(call) => {
                let CallReport { provider, end, usage, first_token, duration, .. } = &**call;
                format!("CallEnded {provider} {end:?} {usage:?} {first_token:?} {duration:?}")
            }
            other => format!("{other:?}"),
        };
        self.line(began, &format!("task {task}: {what}"));
    }

    /// Notes something else.
    pub(super) fn line(&self, began: Instant, what: &str) {
        let millis = began.elapsed().as_millis();
        self.0.borrow_mut().push(format!("{millis:>8} {what}"));
    }

    /// Prints everything.
    pub(super) fn show(&self) {
        for line in self.0.borrow().iter() {
            eprintln!("{line}");
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// Everything of a report that does not differ from one process to the next.
fn told(report: &TaskReport) -> String {
    let TaskReport { outcome, attempts, usage, timing, turns, tool_calls, restarts, notes, .. } = report;
    format!(
        "{outcome:?} after {turns} turns, {tool_calls} calls, {restarts} restarts, {usage:?}, {timing:?}, {notes:?}, \
         {attempts:?}"
    )
}
