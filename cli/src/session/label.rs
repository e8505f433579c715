//! How a task is called in front of people.

use std::collections::HashMap;
use std::sync::Arc;

use codex_task::{TaskEvent, TaskEventKind, TaskId, TaskReport, TaskRequest};

use crate::render::clean::{headline, one_line};
use crate::render::width::cut;

/// Columns of what a task is about.
const SUBJECT_COLUMNS_MAX: usize = 60;

/// What each task is about, in a few words: its description, or else the beginning of its prompt.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(HashMap<TaskId, String>);

impl Labels {
    pub(super) fn new(tasks: &[TaskRequest]) -> Self {
        let subject = |task: &TaskRequest| match task.description.as_deref().map(one_line) {
            Some(description) if !description.is_empty() => description,
            Some(_) | None => headline(&task.prompt),
        };
        Self(tasks.iter().map(|task| (task.id, cut(&subject(task), SUBJECT_COLUMNS_MAX))).collect())
    }

    /// Keeps what an event says about a task that was not known from the beginning: one that an agent has started.
    pub(super) fn learn(&mut self, event: &TaskEvent) {
        if let TaskEventKind::Queued { description: Some(text), .. }
        | TaskEventKind::Started { description: Some(text), .. } = &event.kind
        {
            self.0.entry(event.task).or_insert_with(|| cut(&one_line(text), SUBJECT_COLUMNS_MAX));
        }
    }

    /// What a task is about, without full stops at its end.
    pub(super) fn subject(&self, task: TaskId) -> &str {
        let subject = self.0.get(&task).map(String::as_str).unwrap_or_default();
        subject.trim_end_matches(['.', '…', ' '])
    }
}

/// The names of the tasks of a run: the agents', with the description where an agent has several tasks.
pub(super) fn names(reports: &[Arc<TaskReport>]) -> Vec<String> {
    let is_shared = |agent: &str| reports.iter().filter(|report| *report.agent == *agent).count() > 1;
    let name = |(index, report): (usize, &Arc<TaskReport>)| {
        let agent = one_line(&report.agent);
        match report.description.as_deref().map(one_line) {
            _ if !is_shared(&report.agent) => agent,
            Some(description) if !description.is_empty() => format!("{agent} ({description})"),
            Some(_) | None => format!("{agent} ({})", index + 1),
        }
    };
    reports.iter().enumerate().map(name).collect()
}
