//! A turn of Codex while it runs: messages of Codex, events of our tasks, questions and interruptions, as they come.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{Approver, RuntimeHandle, TaskEvent, TaskEventKind, TaskReport, TaskTool, ToolCaller};
use codex_task_tools::Headless;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};

use super::connection::Connection;
use super::ending::{Ending, Status};
use super::message::{Message, at};
use super::opening::{self, Opened};
use super::question::{self, Question};
use super::requests::{Dealt, Reply, Requests};
use super::view::View;
use crate::approve::Desk;
use crate::fault::Fault;
use crate::interrupt::{Interruption, Interrupts};
use crate::mcp;
use crate::render::{Style, Terminal};
use crate::run::OutputArgs;
use crate::session::{self, FRAME, Progress};

/// Time without a word from Codex after which it is asked whether it lives. A model may well think for longer.
const QUIET_TIME_MAX: Duration = Duration::from_mins(1);
/// Time for its answer.
const SIGN_OF_LIFE_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for Codex to end an interrupted turn.
const INTERRUPTION_TIME_MAX: Duration = Duration::from_secs(3);
/// Time for cancelled tasks to hand in what they have.
const CANCEL_TIME_MAX: Duration = Duration::from_secs(2);
/// A cheap request that any thread can answer.
const SIGN_OF_LIFE: &str = "thread/loaded/list";

/// How the wait ended.
pub(super) enum Ended {
    /// The turn is over.
    Turn(Box<Ending>),
    /// Nobody reads the output any longer.
    ReaderGone,
    /// Interrupted twice.
    AtOnce(Interruption),
}

/// How far the end has come that somebody has asked for.
enum Course {
    /// Nobody has.
    On,
    /// No task begins any longer, and those that run may come to their end.
    Draining(BoxFuture<'static, usize>),
    /// Codex was asked to end its turn, and the tasks are cancelled.
    Interrupted,
}

/// See the module.
pub(super) struct Drive {
    connection: Connection,
    opened: Opened,
    handle: RuntimeHandle,
    tool: TaskTool,
    approver: Arc<dyn Approver>,
    requests: Requests,
    events: Receiver<Arc<TaskEvent>>,
    progress: Progress,
    desk: Option<Desk>,
    view: View,
    output: OutputArgs,
    /// What came of tasks so far.
    tasks: Vec<Arc<TaskReport>>,
    usage: Value,
    /// Why the turn will fail, as far as that is known before its end.
    error: Option<String>,
    began: Instant,
    interrupted_by: Option<Interruption>,
    course: Course,
    /// Requests to add something to the turn that Codex has not answered.
    additions: HashSet<u64>,
}

impl Drive {
    /// A turn that has just begun.
    pub(super) fn new(
        connection: Connection,
        opened: Opened,
        handle: &RuntimeHandle,
        approver: Option<Arc<dyn Approver>>,
        output: OutputArgs,
        terminal: &mut Terminal,
    ) -> Self {
        let mut progress = Progress::new(output, &[], handle, terminal);
        progress.begin(handle, terminal);
        Self {
            connection,
            opened,
            tool: handle.task_tool(),
            approver: approver.unwrap_or_else(|| Arc::new(Headless)),
            requests: Requests::default(),
            events: handle.events(),
            progress,
            desk: session::desk(handle, terminal),
            view: View::new(terminal.err_room()),
            output,
            handle: handle.clone(),
            tasks: Vec::new(),
            usage: Value::Null,
            error: None,
            began: Instant::now(),
            interrupted_by: None,
            course: Course::On,
            additions: HashSet::new(),
        }
    }

    /// Waits for the end of the turn. Ctrl-C interrupts it and cancels its tasks; SIGTERM lets running tasks go on for a
    /// while before. A second one ends the wait.
    ///
    /// # Errors
    /// A [`Fault`] when Codex ends, falls silent or cannot be understood.
    pub(super) async fn run(
        &mut self,
        terminal: &mut Terminal,
        interrupts: &mut Interrupts,
    ) -> Result<Ended, Fault> {
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut patience = Instant::now() + QUIET_TIME_MAX;
        let mut is_asked = false;
        for message in std::mem::take(&mut self.opened.earlier) {
            if let Some(ending) = self.hear(message, terminal) {
                return Ok(Ended::Turn(ending));
            }
        }
        loop {
            tokio::select! {
                biased;
                came = interrupts.next() => {
                    if let Some(first) = self.interrupted_by {
                        return Ok(Ended::AtOnce(first));
                    }
                    self.leave_on(came, terminal).await;
                    patience = Instant::now() + self.longest_silence();
                }
                message = self.connection.next() => match message {
                    Ok(message) => {
                        if !self.is_interrupted() {
                            patience = Instant::now() + QUIET_TIME_MAX;
                            is_asked = false;
                        }
                        if let Some(ending) = self.hear(message, terminal) {
                            return Ok(Ended::Turn(self.with_tasks(ending, terminal).await));
                        }
                    }
                    Err(_) if self.is_interrupted() => return Ok(self.cut_off(terminal).await),
                    Err(broken) => return Err(broken.into()),
                },
                dealt = self.requests.next(), if !self.requests.is_empty() => self.answer(dealt),
                () = drained(&mut self.course) => {
                    self.interrupt().await;
                    patience = Instant::now() + self.longest_silence();
                }
                event = self.events.recv() => match event {
                    Ok(event) => self.show(&event, terminal),
                    Err(RecvError::Lagged(missed)) => self.progress.missed(missed, terminal),
                    // The bus lives as long as the handle.
                    Err(RecvError::Closed) => {}
                },
                turn = session::next_turn(&mut self.desk) => {
                    session::show_turn(turn, &mut self.desk, Some(&mut self.progress), terminal);
                }
                () = sleep_until(patience) => {
                    if self.is_interrupted() {
                        return Ok(self.cut_off(terminal).await);
                    }
                    if is_asked {
                        return Err(opening::silent(QUIET_TIME_MAX + SIGN_OF_LIFE_TIME_MAX));
                    }
                    self.connection.request(SIGN_OF_LIFE, &json!({}));
                    is_asked = true;
                    patience = Instant::now() + SIGN_OF_LIFE_TIME_MAX;
                }
                _ = frames.tick(), if self.progress.is_live() || self.is_interrupted() => {
                    self.progress.tick();
                    if self.is_interrupted() {
                        // A task that was on its way to the supervisor is cancelled when it has arrived.
                        self.handle.cancel_all().await;
                    }
                }
            }
            if terminal.out.is_closed() {
                return Ok(Ended::ReaderGone);
            }
        }
    }

    /// Gives the screen back.
    pub(super) fn leave(mut self, terminal: &mut Terminal) {
        self.progress.finish(None, terminal);
        terminal.desk = self.desk;
    }

    /// Begins to end, as somebody has asked for.
    async fn leave_on(&mut self, came: Interruption, terminal: &mut Terminal) {
        self.interrupted_by = Some(came);
        match came {
            Interruption::Interrupt => {
                let text = "Codex ends its turn, its tasks are cancelled; once more ends at once";
                self.progress.say("Interrupted:", text, terminal);
                self.interrupt().await;
            }
            Interruption::Terminate => {
                self.progress.say("Terminating:", &session::terminating(&self.handle), terminal);
                let (handle, grace) = (self.handle.clone(), self.handle.settings().limits.drain_timeout);
                self.course = Course::Draining(Box::pin(async move { handle.drain(grace).await }));
            }
        }
    }

    /// Asks Codex to end its turn, and cancels what runs.
    async fn interrupt(&mut self) {
        self.course = Course::Interrupted;
        let turn = json!({"threadId": self.opened.thread, "turnId": self.opened.turn});
        self.connection.request("turn/interrupt", &turn);
        self.handle.cancel_all().await;
    }

    fn is_interrupted(&self) -> bool {
        matches!(self.course, Course::Interrupted)
    }

    fn longest_silence(&self) -> Duration {
        if self.is_interrupted() { INTERRUPTION_TIME_MAX } else { QUIET_TIME_MAX }
    }

    /// Takes a message; gives the ending when it is the last one of the turn.
    fn hear(&mut self, message: Message, terminal: &mut Terminal) -> Option<Box<Ending>> {
        match message {
            // The turn was begun already, and a sign of life is one by itself.
            Message::Answer { id, result } => {
                if let (true, Err(error)) = (self.additions.remove(&id), result) {
                    let text = format!(
                        "Codex's model does not read your words, only that the answer is no: {error}"
                    );
                    self.progress.say("Warning:", &text, terminal);
                }
                None
            }
            Message::Request { id, method, params } => {
                self.work_on(id, &method, &params);
                None
            }
            Message::Notice { method, params } => self.note(&method, &params, terminal),
        }
    }

    /// Begins what Codex wants. Tasks begin in the order in which it asks for them.
    fn work_on(&mut self, id: Value, method: &str, params: &Value) {
        if method == "item/tool/call" {
            return self.call(id, params);
        }
        let changes = at(params, "/itemId").as_str().and_then(|item| self.view.changes(item));
        if let Some(question) = Question::read(method, params, changes) {
            let approver = Arc::clone(&self.approver);
            let asking = async move {
                let approval = approver.approve(&question.request).await;
                question.reply(&approval)
            };
            return self.requests.begin(id, Box::pin(asking));
        }
        match question::declined(method) {
            Some(answer) => self.connection.answer(&id, &answer),
            None => self.connection.refuse(&id, method),
        }
    }

    fn call(&mut self, id: Value, params: &Value) {
        let name = at(params, "/tool").as_str().unwrap_or_default();
        if !self.handle.tool_catalog().is_tool(name) {
            let text = format!("No such tool available: {name}");
            return self.connection.answer(&id, &failure(text));
        }
        if self.interrupted_by.is_some() {
            let text = "Agent failed: the session is ending, nothing begins any longer".to_owned();
            return self.connection.answer(&id, &failure(text));
        }
        let answer = self.tool.call(name, at(params, "/arguments"), &self.caller(params));
        let calling = async move {
            let answer = answer.await;
            Reply::from(texts(!answer.is_error, &answer.blocks))
        };
        self.requests.begin(id, Box::pin(calling));
    }

    /// An agent that Codex itself has started calls from a thread of its own.
    fn caller(&self, params: &Value) -> ToolCaller {
        let depth = u32::from(at(params, "/threadId").as_str() != Some(&*self.opened.thread));
        mcp::caller_of_codex(Some(&self.opened.model), Some(self.opened.sandbox), depth)
    }

    fn answer(&mut self, dealt: Dealt) {
        let Some(Reply { answer, addition }) = dealt.reply else { return };
        // First the words, so that they are there when the model hears of the answer.
        if let Some(addition) = addition {
            self.additions.insert(self.connection.request("turn/steer", &addition));
        }
        self.connection.answer(&dealt.id, &answer);
    }

    fn note(&mut self, method: &str, params: &Value, terminal: &mut Terminal) -> Option<Box<Ending>> {
        if self.output.jsonl && is_told(method) {
            session::print_json(&json!({"event": "codex", "method": method, "params": params}), terminal);
        }
        match method {
            "item/started" => {
                for line in self.view.begun(at(params, "/item")) {
                    self.progress.tell(line, terminal);
                }
            }
            "item/completed" => {
                if let Some(line) = self.view.ended(at(params, "/item")) {
                    self.progress.tell(line, terminal);
                }
            }
            "serverRequest/resolved" => self.requests.withdraw(at(params, "/requestId")),
            "thread/tokenUsage/updated" if self.is_ours(params) => {
                self.usage = at(params, "/tokenUsage/total").clone();
            }
            "warning" | "configWarning" => self.say_warning(params, terminal),
            "error" => self.note_error(params, terminal),
            "turn/completed" if self.is_ours(params) => return Some(self.ending(at(params, "/turn"))),
            _ => {}
        }
        None
    }

    fn is_ours(&self, params: &Value) -> bool {
        at(params, "/threadId").as_str() == Some(&*self.opened.thread)
    }

    fn say_warning(&mut self, params: &Value, terminal: &mut Terminal) {
        let text =
            at(params, "/message").as_str().or_else(|| at(params, "/summary").as_str()).unwrap_or_default();
        let line = self.view.line("Codex(Warning): ", Style::Yellow, text);
        self.progress.tell(line, terminal);
    }

    fn note_error(&mut self, params: &Value, terminal: &mut Terminal) {
        let text = at(params, "/error/message").as_str().unwrap_or_default();
        if at(params, "/willRetry") == true {
            let line = self.view.line("Codex(Retrying): ", Style::Yellow, text);
            self.progress.tell(line, terminal);
        } else if self.is_ours(params) {
            self.error = Some(text.to_owned());
        }
    }

    fn ending(&mut self, turn: &Value) -> Box<Ending> {
        let status = match at(turn, "/status").as_str() {
            Some("completed") => Status::Completed,
            Some("interrupted") => Status::Interrupted,
            other => {
                let told =
                    at(turn, "/error/message").as_str().map(str::to_owned).or_else(|| self.error.take());
                let cause = told.unwrap_or_else(|| format!("its state is {}", other.unwrap_or("not known")));
                Status::Failed { cause }
            }
        };
        self.ending_as(status)
    }

    fn ending_as(&mut self, status: Status) -> Box<Ending> {
        Box::new(Ending {
            status,
            answer: self.view.take_answer(),
            thread: self.opened.thread.clone(),
            model: self.opened.model.clone(),
            usage: self.usage.clone(),
            tasks: Vec::new(),
            took: self.began.elapsed(),
            interrupted_by: self.interrupted_by,
        })
    }

    /// An interrupted turn of a Codex that does not end it, or has ended itself.
    async fn cut_off(&mut self, terminal: &mut Terminal) -> Ended {
        let ending = self.ending_as(Status::Interrupted);
        Ended::Turn(self.with_tasks(ending, terminal).await)
    }

    async fn with_tasks(&mut self, mut ending: Box<Ending>, terminal: &mut Terminal) -> Box<Ending> {
        if self.interrupted_by.is_some() {
            // What is still there has this long to hand in what it has.
            self.handle.drain(CANCEL_TIME_MAX).await;
        }
        self.show_rest(terminal);
        ending.tasks = std::mem::take(&mut self.tasks);
        ending
    }

    fn show(&mut self, event: &TaskEvent, terminal: &mut Terminal) {
        if let TaskEventKind::Finished(report) = &event.kind {
            self.tasks.push(Arc::clone(report));
        }
        self.progress.show(event, terminal);
    }

    /// Shows what tasks have said by now.
    fn show_rest(&mut self, terminal: &mut Terminal) {
        loop {
            match self.events.try_recv() {
                Ok(event) => self.show(&event, terminal),
                Err(TryRecvError::Lagged(missed)) => self.progress.missed(missed, terminal),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

/// Waits until tasks that may come to their end have done so; without any such it never comes.
async fn drained(course: &mut Course) {
    match course {
        Course::Draining(draining) => drop(draining.await),
        Course::On | Course::Interrupted => std::future::pending().await,
    }
}

/// The answer to a call, as texts.
fn texts(is_success: bool, blocks: &[String]) -> Value {
    let item = |text: &String| json!({"type": "inputText", "text": text});
    json!({"success": is_success, "contentItems": blocks.iter().map(item).collect::<Vec<_>>()})
}

/// The answer to a call that cannot be made.
fn failure(text: String) -> Value {
    texts(/*is_success*/ false, &[text])
}

/// Whether a program wants to know: what happens in the thread, not how its text grows or who is signed in.
fn is_told(method: &str) -> bool {
    let is_of_thread = ["thread/", "turn/", "item/"].iter().any(|prefix| method.starts_with(prefix));
    let is_small = ["delta", "Delta", "thread/readState/changed"].iter().any(|end| method.ends_with(end));
    (is_of_thread && !is_small) || matches!(method, "error" | "warning" | "configWarning")
}
