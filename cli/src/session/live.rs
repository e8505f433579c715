//! Progress in lines that are drawn over: one for each running task, with what it does right now.

use std::collections::{HashMap, HashSet};

use codex_task::{TaskEvent, TaskEventKind, TaskId};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::label::Labels;
use crate::render::clean::one_line;
use crate::render::figures::{counted, duration};

/// Agent, what it does as far as there is room, time.
const TEMPLATE: &str = "{spinner} Task(Executing {prefix}): {wide_msg} {elapsed}";
/// How many tasks wait.
const WAITING_TEMPLATE: &str = "  {wide_msg}";

/// The running tasks.
pub(super) struct Live {
    bars: MultiProgress,
    running: HashMap<TaskId, ProgressBar>,
    /// Tasks without a slot, and the line below all others that counts them.
    waiting: HashSet<TaskId>,
    waiting_line: Option<ProgressBar>,
}

impl Live {
    /// Draws on stderr.
    pub(super) fn new() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            running: HashMap::new(),
            waiting: HashSet::new(),
            waiting_line: None,
        }
    }

    /// Shows what an event changes.
    pub(super) fn show(&mut self, event: &TaskEvent, labels: &Labels) {
        self.count_waiting(event.task, matches!(event.kind, TaskEventKind::Queued { .. }));
        match &event.kind {
            TaskEventKind::Queued { .. } => {}
            TaskEventKind::Started { expected, .. } => {
                let about = expected.map(|length| format!(" of about {}", duration(length)));
                let bar = self.bar(event);
                bar.set_style(style(&format!("{TEMPLATE}{}", about.unwrap_or_default())));
                bar.set_message(format!("{}...", labels.subject(event.task)));
            }
            TaskEventKind::TurnStarted { turn: 1, .. } | TaskEventKind::ToolFinished { .. } => {}
            TaskEventKind::TurnStarted { turn, .. } => {
                self.bar(event).set_message(format!("turn {turn}..."));
            }
            TaskEventKind::Text { line } => self.bar(event).set_message(one_line(line)),
            TaskEventKind::ToolStarted { tool, summary } => {
                self.bar(event).set_message(format!("{tool} {}", one_line(summary)));
            }
            TaskEventKind::Retrying { after, .. } => {
                self.bar(event).set_message(format!("waiting for {}", duration(*after)));
            }
            TaskEventKind::RouteChanged { provider, model, .. } => {
                self.bar(event).set_message(format!("now on {provider} ({model})"));
            }
            TaskEventKind::Compacted { .. } => {
                self.bar(event).set_message("older turns summarised".to_owned());
            }
            TaskEventKind::Restarted { .. } => self.bar(event).set_message("restarted".to_owned()),
            TaskEventKind::Finished(_) => {
                if let Some(bar) = self.running.remove(&event.task) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
            }
        }
    }

    /// Draws the next frame.
    pub(super) fn tick(&self) {
        for bar in self.running.values() {
            bar.tick();
        }
    }

    /// Takes the lines away while `write` writes to the same terminal.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        self.bars.suspend(write);
    }

    /// Takes the lines away for good.
    pub(super) fn clear(&mut self) {
        for bar in self.running.drain().map(|(_, bar)| bar).chain(self.waiting_line.take()) {
            bar.finish_and_clear();
        }
    }

    fn count_waiting(&mut self, task: TaskId, is_waiting: bool) {
        let has_changed = if is_waiting { self.waiting.insert(task) } else { self.waiting.remove(&task) };
        if !has_changed {
            return;
        }
        if self.waiting.is_empty() {
            if let Some(line) = self.waiting_line.take() {
                line.finish_and_clear();
            }
            return;
        }
        let line = self.waiting_line.get_or_insert_with(|| {
            self.bars.add(ProgressBar::new_spinner().with_style(style(WAITING_TEMPLATE)))
        });
        line.set_message(format!("{} waiting", counted(self.waiting.len(), "task")));
    }

    fn bar(&mut self, event: &TaskEvent) -> &ProgressBar {
        self.running.entry(event.task).or_insert_with(|| {
            let bar =
                ProgressBar::new_spinner().with_style(style(TEMPLATE)).with_prefix(one_line(&event.agent));
            match &self.waiting_line {
                Some(line) => self.bars.insert_before(line, bar),
                None => self.bars.add(bar),
            }
        })
    }
}

/// The templates are constants that a test reads; the usual style is no worse than an end.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_ones() {
        for template in [TEMPLATE, WAITING_TEMPLATE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
