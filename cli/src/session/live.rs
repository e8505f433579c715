//! Progress in lines that are drawn over: one for each running task, with what it does right now.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use codex_task::{TaskEvent, TaskEventKind, TaskId};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::label::Labels;
use crate::render::clean::one_line;
use crate::render::figures::duration;
use crate::render::width::{columns, cut};

/// Agent, what it does, time.
const TEMPLATE: &str = "{spinner} Task(Executing {prefix}): {msg} {elapsed}";
/// The same where there is little room.
const NARROW_TEMPLATE: &str = "{spinner} {prefix}: {msg} {elapsed}";
/// Columns of the templates without agent and message, and a few to spare.
const TEMPLATE_COLUMNS: usize = 28;
const NARROW_TEMPLATE_COLUMNS: usize = 12;
/// Terminals with fewer columns are narrow.
const WIDE_COLUMNS_MIN: usize = 70;
/// Columns of a message that nothing optional may take.
const MESSAGE_COLUMNS_MIN: usize = 16;
/// How many tasks there are of each kind.
const STATUS_TEMPLATE: &str = "{wide_msg}";

/// The running tasks.
pub(super) struct Live {
    bars: MultiProgress,
    running: HashMap<TaskId, Running>,
    /// Tasks without a slot.
    waiting: HashSet<TaskId>,
    tasks: usize,
    done: usize,
    /// The line above all others, where there are several tasks. When a terminal writes `^C` into the display, this is
    /// the line that cannot be taken away any longer.
    status: Option<ProgressBar>,
    /// Columns of the terminal.
    columns: usize,
}

/// One of them.
struct Running {
    bar: ProgressBar,
    /// Columns that are no room for a message.
    taken: usize,
}

impl Live {
    /// Draws so many tasks on stderr, which has so many columns.
    pub(super) fn new(tasks: usize, columns: usize) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let status =
            (tasks > 1).then(|| bars.add(ProgressBar::new_spinner().with_style(style(STATUS_TEMPLATE))));
        Self { bars, running: HashMap::new(), waiting: HashSet::new(), tasks, done: 0, status, columns }
    }

    /// Shows what an event changes.
    pub(super) fn show(&mut self, event: &TaskEvent, labels: &Labels) {
        if !matches!(event.kind, TaskEventKind::Queued { .. }) {
            self.waiting.remove(&event.task);
        }
        match &event.kind {
            TaskEventKind::Queued { .. } => {
                self.waiting.insert(event.task);
            }
            TaskEventKind::TurnStarted { turn: 1, .. }
            | TaskEventKind::CallSent { .. }
            | TaskEventKind::CallEnded(_)
            | TaskEventKind::ToolFinished { .. } => {}
            TaskEventKind::Started { expected, .. } => {
                if let Some(expected) = expected {
                    self.expect(event, *expected);
                }
                self.say(event, &format!("{}...", labels.subject(event.task)));
            }
            TaskEventKind::TurnStarted { turn, .. } => self.say(event, &format!("turn {turn}...")),
            TaskEventKind::Text { line } => self.say(event, line),
            TaskEventKind::ToolStarted { tool, summary, .. } => self.say(event, &format!("{tool} {summary}")),
            TaskEventKind::Retrying { after, .. } => {
                self.say(event, &format!("waiting for {}", duration(*after)));
            }
            TaskEventKind::RouteChanged { provider, model, .. } => {
                self.say(event, &format!("now on {provider} ({model})"));
            }
            TaskEventKind::Compacted { .. } => self.say(event, "older turns summarised"),
            TaskEventKind::Restarted { .. } => self.say(event, "restarted"),
            TaskEventKind::Finished(_) => {
                if let Some(Running { bar, .. }) = self.running.remove(&event.task) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                self.done += 1;
            }
        }
        if let Some(status) = &self.status {
            let (tasks, done, running, waiting) =
                (self.tasks, self.done, self.running.len(), self.waiting.len());
            status.set_message(format!("{done} of {tasks} tasks done, {running} running, {waiting} waiting"));
        }
    }

    /// Shows how long tasks of this agent took so far, where there is room for it.
    fn expect(&mut self, event: &TaskEvent, expected: Duration) {
        let (screen, template) = (self.columns, self.template().0);
        let running = self.running(event);
        let about = format!(" of about {}", duration(expected));
        let taken = running.taken + columns(&about);
        if taken + MESSAGE_COLUMNS_MIN <= screen {
            running.taken = taken;
            running.bar.set_style(style(&format!("{template}{about}")));
        }
    }

    /// Shows what the task of an event does.
    fn say(&mut self, event: &TaskEvent, text: &str) {
        let columns = self.columns;
        let running = self.running(event);
        let room = columns.saturating_sub(running.taken);
        running.bar.set_message(cut(&one_line(text), room));
    }

    /// Draws the next frame.
    pub(super) fn tick(&self) {
        for running in self.running.values() {
            running.bar.tick();
        }
    }

    /// Takes the lines away while `write` writes to the same terminal.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        self.bars.suspend(write);
    }

    /// Takes the lines away until they are revealed.
    pub(super) fn hide(&mut self) {
        // Lines that cannot be taken away scroll up with the question.
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Draws the lines again.
    pub(super) fn reveal(&mut self) {
        self.bars.set_draw_target(ProgressDrawTarget::stderr());
    }

    /// Takes the lines away for good.
    pub(super) fn clear(&mut self) {
        for bar in self.running.drain().map(|(_, running)| running.bar).chain(self.status.take()) {
            bar.finish_and_clear();
        }
    }

    /// The template, and its columns.
    fn template(&self) -> (&'static str, usize) {
        if self.columns < WIDE_COLUMNS_MIN {
            (NARROW_TEMPLATE, NARROW_TEMPLATE_COLUMNS)
        } else {
            (TEMPLATE, TEMPLATE_COLUMNS)
        }
    }

    fn running(&mut self, event: &TaskEvent) -> &mut Running {
        let (template, template_columns) = self.template();
        self.running.entry(event.task).or_insert_with(|| {
            let agent = one_line(&event.agent);
            let taken = template_columns + columns(&agent);
            let bar = ProgressBar::new_spinner().with_style(style(template)).with_prefix(agent);
            Running { bar: self.bars.add(bar), taken }
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
        for template in [TEMPLATE, NARROW_TEMPLATE, STATUS_TEMPLATE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
