//! Streamed text on its way to a person: a line now and then, never every token.

use std::time::Duration;

use codex_task_providers::{Progress, without_keys};
use tokio::time::Instant;

use crate::aggregator::Teller;
use crate::task::TaskEventKind;

/// Least time between two lines of one agent.
const INTERVAL: Duration = Duration::from_millis(100);
/// Characters of a line that are shown.
const LINE_CHARS_MAX: usize = 120;

/// Collects one answer's text and publishes its current line at most ten times a second.
pub(crate) struct Screen {
    teller: Teller,
    line: String,
    shown: Option<Instant>,
}

impl Screen {
    pub(super) fn new(teller: Teller) -> Self {
        Self { teller, line: String::new(), shown: None }
    }

    /// Takes the next piece of an answer.
    pub(super) fn show(&mut self, progress: Progress<'_>) {
        let Progress::Text(text) = progress else { return };
        if !self.teller.is_watched() {
            return;
        }
        match text.rsplit_once('\n') {
            Some((_, rest)) => rest.clone_into(&mut self.line),
            None => self.line.push_str(text),
        }
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= INTERVAL);
        if due && !self.line.trim().is_empty() {
            self.shown = Some(Instant::now());
            let line: String = self.line.chars().filter(|c| !c.is_control()).take(LINE_CHARS_MAX).collect();
            // Whoever watches is not who gets the result.
            let line = without_keys(&line);
            self.teller.tell(|| TaskEventKind::Text { line });
        }
    }
}
