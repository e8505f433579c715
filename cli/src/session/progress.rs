//! Which progress is shown: none, lines that stay, lines that are drawn over, or JSON.

use std::collections::HashSet;
use std::sync::Arc;

use codex_task::json::EventJson;
use codex_task::{
    MAIN_AGENT, RunReport, RuntimeHandle, TaskEvent, TaskEventKind, TaskId, TaskRequest, TaskStatus,
};
use codex_task_config::{JUDGE_AGENT, ProviderKind, ProviderName};
use serde_json::json;

use super::json;
use super::label::Labels;
use super::lines::{self, Told};
use super::live::Live;
use crate::render::{Line, Style, Terminal};
use crate::run::OutputArgs;

/// Columns of a terminal whose size is not known.
const COLUMNS_USUAL: usize = 80;

/// Shows events as they come.
pub(crate) struct Progress {
    display: Display,
    labels: Labels,
    /// The only task that was asked for: its failure is told once, by its four lines.
    single: Option<TaskId>,
    /// The main agent, whose work is in its answer and in what its subagents do.
    main: Option<TaskId>,
    /// Tasks whose ending was shown.
    shown: HashSet<TaskId>,
    /// Providers that play a scenario, until it was said that they do.
    scripted: HashSet<ProviderName>,
    /// What happens while somebody is asked: shown when they have answered.
    held: Option<Vec<Held>>,
}

/// Something that waits for an answer.
enum Held {
    Event(TaskEvent),
    Line(Line),
}

enum Display {
    /// Nothing but failures that something is being done about.
    Quiet,
    /// One line for each change.
    Lines,
    /// Lines that are drawn over.
    Live(Live),
    /// One JSON object for each event, on stdout.
    Json,
}

impl Progress {
    pub(crate) fn new(
        output: OutputArgs,
        tasks: &[TaskRequest],
        handle: &RuntimeHandle,
        terminal: &Terminal,
    ) -> Self {
        let display = if output.jsonl {
            Display::Json
        } else if output.quiet {
            Display::Quiet
        } else if terminal.can_redraw() {
            Display::Live(Live::new(tasks.len(), terminal.err.columns.unwrap_or(COLUMNS_USUAL)))
        } else {
            Display::Lines
        };
        let scripted = handle.providers().iter().filter(|(_, p)| p.kind == ProviderKind::Scripted);
        Self {
            display,
            labels: Labels::new(tasks),
            single: if let [task] = tasks { Some(task.id) } else { None },
            main: tasks.iter().find(|task| is_main(task)).map(|task| task.id),
            shown: HashSet::new(),
            scripted: scripted.map(|(name, _)| name.clone()).collect(),
            held: None,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.display, Display::Live(_))
    }

    /// Says that the model is scripted before anything else, where there is no other.
    pub(crate) fn begin(&mut self, handle: &RuntimeHandle, terminal: &mut Terminal) {
        if !self.scripted.is_empty() && self.scripted.len() == handle.providers().iter().count() {
            self.scripted.clear();
            self.say("Note:", "the model is scripted: a scenario is played, no AI is asked", terminal);
        }
    }

    /// Draws the next frame of lines that are drawn over.
    pub(crate) fn tick(&self) {
        if let (Display::Live(live), None) = (&self.display, &self.held) {
            live.tick();
        }
    }

    /// Leaves the screen to a question.
    pub(super) fn pause(&mut self) {
        self.held.get_or_insert_default();
        if let Display::Live(live) = &mut self.display {
            live.hide();
        }
    }

    /// Takes the screen back, and shows what has happened meanwhile.
    pub(super) fn resume(&mut self, terminal: &mut Terminal) {
        let held = self.held.take().unwrap_or_default();
        if let Display::Live(live) = &mut self.display {
            live.reveal();
        }
        for held in held {
            match held {
                Held::Event(event) => self.show(&event, terminal),
                Held::Line(line) => self.tell(line, terminal),
            }
        }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &TaskEvent, terminal: &mut Terminal) {
        if let (Some(held), false) = (&mut self.held, matches!(self.display, Display::Json)) {
            // What a model writes meanwhile is not worth keeping: it is in the report.
            if !matches!(event.kind, TaskEventKind::Text { .. }) {
                held.push(Held::Event(event.clone()));
            }
            return;
        }
        if matches!(event.kind, TaskEventKind::Finished(_)) && !self.shown.insert(event.task) {
            return;
        }
        self.say_if_scripted(event, terminal);
        if matches!(self.display, Display::Json) {
            json::print(&EventJson::from(event), terminal);
            return;
        }
        self.labels.learn(event);
        let told = lines::tell(event, &self.labels, terminal.err_room());
        if let Display::Live(live) = &mut self.display {
            live.show(event, &self.labels);
        }
        let is_told = is_failure(event) && self.single == Some(event.task);
        if is_told || is_of_course(event, self.main) {
            return;
        }
        match (told, &self.display) {
            (Some(Told::Failure(lines)), _) => {
                self.aside(terminal, |terminal| lines.print(&mut terminal.err));
            }
            (Some(Told::Line(line)), Display::Lines) => terminal.err.line(line),
            // A line that stays is for endings; what runs has its own line already.
            (Some(Told::Line(line)), Display::Live(_))
                if matches!(event.kind, TaskEventKind::Finished(_) | TaskEventKind::Restarted { .. }) =>
            {
                self.aside(terminal, |terminal| terminal.err.line(line));
            }
            (Some(Told::Line(_)) | None, _) => {}
        }
    }

    /// Shows a line of somebody else who works beside the tasks, where progress is for people.
    pub(crate) fn tell(&mut self, line: Line, terminal: &mut Terminal) {
        if !matches!(self.display, Display::Lines | Display::Live(_)) {
            return;
        }
        match &mut self.held {
            Some(held) => held.push(Held::Line(line)),
            None => self.aside(terminal, |terminal| terminal.err.line(line)),
        }
    }

    /// Some events were lost, because the terminal was slower than the tasks.
    pub(crate) fn missed(&mut self, count: u64, terminal: &mut Terminal) {
        if matches!(self.display, Display::Json) {
            json::print(&json!({"event": "missed", "events": count}), terminal);
        }
    }

    /// Says something that is about no single task.
    pub(crate) fn say(&self, label: &str, text: &str, terminal: &mut Terminal) {
        self.aside(terminal, |terminal| terminal.err.paragraph(label, Style::Yellow, text));
    }

    /// Ends the display. Endings whose events were lost are shown from the report.
    pub(crate) fn finish(&mut self, report: Option<&RunReport>, terminal: &mut Terminal) {
        if self.held.is_some() {
            self.resume(terminal);
        }
        for task in report.iter().flat_map(|report| &report.tasks) {
            let kind = TaskEventKind::Finished(Arc::clone(task));
            let agent = Arc::clone(&task.agent);
            let (task, run, parent) = (task.task, task.run, None);
            self.show(&TaskEvent { task, run, parent, agent, kind }, terminal);
        }
        if let Display::Live(live) = &mut self.display {
            live.clear();
        }
    }

    /// Writes past the lines that are drawn over.
    fn aside(&self, terminal: &mut Terminal, write: impl FnOnce(&mut Terminal)) {
        match &self.display {
            Display::Live(live) => live.aside(|| write(terminal)),
            Display::Quiet | Display::Lines | Display::Json => write(terminal),
        }
    }

    /// Nobody must take a scenario for a model.
    fn say_if_scripted(&mut self, event: &TaskEvent, terminal: &mut Terminal) {
        if let TaskEventKind::TurnStarted { provider, .. } = &event.kind
            && self.scripted.remove(provider)
        {
            let text =
                format!("the model is scripted: provider '{provider}' plays a scenario, no AI is asked");
            self.say("Note:", &text, terminal);
        }
    }
}

fn is_main(task: &TaskRequest) -> bool {
    task.lineage.is_of_session() && *task.subagent_type == *MAIN_AGENT
}

/// Whether an event goes without saying: what the main agent says is the answer, and a judge's JSON is for programs.
fn is_of_course(event: &TaskEvent, main: Option<TaskId>) -> bool {
    let is_main = main == Some(event.task);
    match &event.kind {
        TaskEventKind::Started { .. } => is_main,
        TaskEventKind::Finished(report) => {
            is_main || (report.status() == TaskStatus::Completed && *event.agent == *JUDGE_AGENT)
        }
        _ => false,
    }
}

/// Whether an event ends its task with an error that is told in four lines.
fn is_failure(event: &TaskEvent) -> bool {
    match &event.kind {
        TaskEventKind::Finished(report) => match report.status() {
            TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Crashed => true,
            TaskStatus::Completed | TaskStatus::Cancelled => false,
        },
        _ => false,
    }
}
