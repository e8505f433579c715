//! Tracing spans of what tasks do: a run, its tasks, their turns, and below each turn its requests and tools.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_actors::{
    CallId, EventTap, Outcome, RunId, TaskError, TaskEvent, TaskEventKind, TaskId, TaskReport, TaskStatus,
};
use tracing::{Dispatch, Span, dispatcher};

use super::content::Content;
use super::span::{self, CallSent};
use super::vendors::Vendors;

/// Makes the spans, for one subscriber: the host's, or the exporter's own. Spans are made and closed by the events of
/// tasks, on the threads on which these happen; no agent ever enters one.
#[derive(Debug)]
pub(crate) struct TaskSpans {
    subscriber: Dispatch,
    vendors: Vendors,
    content: Content,
    open: Mutex<OpenSpans>,
}

/// The spans that are not closed yet.
#[derive(Debug, Default)]
struct OpenSpans {
    runs: HashMap<RunId, RunSpan>,
    tasks: HashMap<TaskId, TaskTree>,
    /// A run none of whose tasks is open, though more of them may begin at once.
    idle: Option<RunId>,
}

#[derive(Debug)]
struct RunSpan {
    span: Span,
    open: usize,
    tasks: u64,
    failed: u64,
}

/// A task and what is open in it. Closed from below: a span's end is told when nothing holds it, and what is below holds it.
#[derive(Debug)]
struct TaskTree {
    calls: HashMap<CallId, Span>,
    tools: HashMap<Arc<str>, Span>,
    turn: Option<(u32, Span)>,
    span: Span,
    task: TaskId,
    run: RunId,
}

impl TaskSpans {
    /// Spans for a subscriber.
    pub(crate) fn new(subscriber: Dispatch, vendors: Vendors, content: Content) -> Self {
        Self { subscriber, vendors, content, open: Mutex::default() }
    }

    /// Closes whatever is open: nothing more will happen.
    pub(crate) fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        drop(open.tasks); // before the runs that they are in
        for run in open.runs.into_values() {
            run.close();
        }
    }
}

impl EventTap for TaskSpans {
    fn hear(&self, event: &TaskEvent) {
        if matches!(event.kind, TaskEventKind::Text { .. }) {
            return;
        }
        dispatcher::with_default(&self.subscriber, || {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.hear(event, &self.vendors, self.content);
        });
    }
}

impl OpenSpans {
    fn hear(&mut self, event: &TaskEvent, vendors: &Vendors, content: Content) {
        if let Some(idle) = self.idle.take_if(|idle| *idle != event.run) {
            self.close_run(idle);
        }
        match &event.kind {
            TaskEventKind::Queued { .. } => {
                self.begin(event);
            }
            TaskEventKind::Started { prompt, .. } => {
                let task = self.begin(event);
                if let Some(message) = content.message("user", prompt) {
                    task.span.record("gen_ai.input.messages", message);
                }
            }
            TaskEventKind::Finished(report) => self.finish(event, report, vendors, content),
            // What a task that has ended still does is of an incarnation that was given up.
            other => {
                if let Some(task) = self.tasks.get_mut(&event.task) {
                    task.hear(other, vendors, content);
                }
            }
        }
    }

    /// The tree of a task, planted if this is the first that is heard of it.
    fn begin(&mut self, event: &TaskEvent) -> &mut TaskTree {
        let Self { runs, tasks, idle } = self;
        let above = event.parent.and_then(|parent| tasks.get(&parent)).map(|parent| parent.span.clone());
        tasks.entry(event.task).or_insert_with(|| {
            idle.take_if(|idle| *idle == event.run);
            let run = runs.entry(event.run).or_insert_with(|| RunSpan::begin(event.run));
            run.open += 1;
            run.tasks += 1;
            let parent = above.as_ref().unwrap_or(&run.span);
            TaskTree::new(span::task(parent, event), event)
        })
    }

    fn finish(&mut self, event: &TaskEvent, report: &TaskReport, vendors: &Vendors, content: Content) {
        // Of a task that could not begin nothing was heard before; one that asks for the id of another is not the other.
        let never_began = !self.tasks.contains_key(&event.task);
        if !never_began && is_of_a_double(report) {
            return;
        }
        self.begin(event);
        let Some(task) = self.tasks.remove(&event.task) else { return };
        let run = task.run;
        task.close(report, vendors, content);
        let Some(entry) = self.runs.get_mut(&run) else { return };
        entry.open = entry.open.saturating_sub(1);
        entry.failed += u64::from(report.status() != TaskStatus::Completed);
        match (entry.open, never_began) {
            (0, true) => self.idle = Some(run),
            (0, false) => self.close_run(run),
            _ => {}
        }
    }

    fn close_run(&mut self, run: RunId) {
        if let Some(run) = self.runs.remove(&run) {
            run.close();
        }
    }
}

/// Whether a task was refused because another one of its id runs.
fn is_of_a_double(report: &TaskReport) -> bool {
    let Outcome::Failed { error, .. } = &report.outcome else { return false };
    matches!(error, TaskError::DuplicateTask | TaskError::StillRunning { .. })
}

impl RunSpan {
    fn begin(run: RunId) -> Self {
        Self { span: span::run(run), open: 0, tasks: 0, failed: 0 }
    }

    fn close(self) {
        span::end_run(&self.span, self.tasks, self.failed);
    }
}

impl TaskTree {
    fn new(span: Span, event: &TaskEvent) -> Self {
        let (task, run) = (event.task, event.run);
        Self { calls: HashMap::new(), tools: HashMap::new(), turn: None, span, task, run }
    }

    fn hear(&mut self, kind: &TaskEventKind, vendors: &Vendors, content: Content) {
        match kind {
            TaskEventKind::TurnStarted { turn, .. } => self.turn(*turn),
            TaskEventKind::CallSent { call, provider, model } => {
                let sent = CallSent { call: *call, provider, model };
                let span = span::call(self.present(), self.task, &sent, vendors.name(provider));
                self.calls.insert(*call, span);
            }
            TaskEventKind::CallEnded(report) => {
                if let Some(span) = self.calls.remove(&report.call) {
                    span::end_call(&span, report);
                }
            }
            TaskEventKind::ToolStarted { call_id, tool, summary } => {
                let span = span::tool(self.present(), self.task, tool, call_id);
                if let Some(text) = content.text(summary) {
                    span.record("codex_task.tool.summary", text);
                }
                self.tools.insert(Arc::clone(call_id), span);
            }
            TaskEventKind::ToolFinished { call_id, is_error, duration, .. } => {
                if let Some(span) = self.tools.remove(call_id) {
                    span::end_tool(&span, *is_error, *duration);
                }
            }
            TaskEventKind::Restarted { .. } => self.close_turn("crashed"),
            TaskEventKind::Queued { .. }
            | TaskEventKind::Started { .. }
            | TaskEventKind::Text { .. }
            | TaskEventKind::Retrying { .. }
            | TaskEventKind::RouteChanged { .. }
            | TaskEventKind::Compacted { .. }
            | TaskEventKind::Finished(_) => {}
        }
    }

    /// What new spans are below of.
    fn present(&self) -> &Span {
        self.turn.as_ref().map_or(&self.span, |(_, span)| span)
    }

    /// Begins a turn, unless this is another try of the present one.
    fn turn(&mut self, number: u32) {
        if self.turn.as_ref().is_none_or(|(present, _)| *present != number) {
            self.turn = None;
            self.turn = Some((number, span::turn(&self.span, self.task, number)));
        }
    }

    /// Closes everything below the task; what had no end of its own has this one.
    fn close_turn(&mut self, cause: &str) {
        let calls = self.calls.drain().map(|(_, span)| span);
        calls.chain(self.tools.drain().map(|(_, span)| span)).for_each(|span| span::fail(&span, cause));
        self.turn = None;
    }

    fn close(mut self, report: &TaskReport, vendors: &Vendors, content: Content) {
        self.close_turn(span::outcome(report.status()));
        span::end_task(&self.span, report, vendors, content);
    }
}
