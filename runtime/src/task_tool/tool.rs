//! Answers calls of `Task`, `TaskOutput` and `TaskStop`.

use std::sync::Arc;
use std::time::Duration;

use codex_task_actors::{
    AwaitRecall, Conversation, Delegate, Lineage, Priority, RunId, RunTask, TaskError, TaskId, TaskReport,
    TaskRequest,
};
use codex_task_config::{BudgetLimits, PermissionMode, SandboxMode};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::answer::{self, ToolAnswer};
use super::background::{BackgroundTask, BackgroundTasks, Ended, Ending};
use super::input::{OutputInput, ReplyTime, TaskInput, ToolInput};
use super::names::AgentNames;
use super::report_store::ReportStore;
use crate::handle::{RuntimeHandle, TaskFuture};

/// Bytes of an answer, unless the host says otherwise: what Codex shows of an MCP tool's result, less a margin.
const ANSWER_BYTES_MAX: usize = 40_000;

/// The Task tool and its companions, answering calls on one runtime. Cheap to clone; the clones share their background
/// tasks, which are cancelled when the last one is dropped.
#[derive(Clone)]
pub struct TaskTool {
    handle: RuntimeHandle,
    background: Arc<BackgroundTasks>,
    names: Arc<AgentNames>,
    reports: ReportStore,
}

/// What a caller has started: background tasks, which are cancelled when it is dropped, and names.
#[derive(Clone, Default)]
pub(super) struct Memory {
    background: Arc<BackgroundTasks>,
    names: Arc<AgentNames>,
}

/// What a host knows about one call.
#[derive(Clone, Debug)]
pub struct ToolCaller {
    /// Id that a task of this call gets.
    pub task: TaskId,
    /// Run that it gets, where no agent of this runtime is the caller.
    pub run: RunId,
    /// How deep the caller is: 0 is the main agent, 1 an agent that it has started.
    pub depth: u32,
    /// Narrows what the task may do.
    pub permission_mode: Option<PermissionMode>,
    /// Where untrusted texts came from that the caller has read: its prompt may be theirs.
    pub tainted_by: Vec<String>,
    /// Narrows how far its commands and file tools reach.
    pub sandbox: Option<SandboxMode>,
    /// Bytes of the answer that the caller's model would see; longer reports are saved and shown in part.
    pub answer_bytes_max: usize,
    /// The caller, where it is an agent of this very runtime: its task has less rights than the session, maybe.
    pub delegate: Option<Delegate>,
}

impl Default for ToolCaller {
    /// The main agent, with the session's own rights.
    fn default() -> Self {
        Self {
            task: TaskId::new(),
            run: RunId::new(),
            depth: 0,
            permission_mode: None,
            tainted_by: Vec::new(),
            sandbox: None,
            answer_bytes_max: ANSWER_BYTES_MAX,
            delegate: None,
        }
    }
}

impl TaskTool {
    pub(crate) fn new(handle: RuntimeHandle) -> Self {
        Self::with_memory(handle, &Memory::default())
    }

    /// A tool that remembers what others with the same memory have started.
    pub(super) fn with_memory(handle: RuntimeHandle, memory: &Memory) -> Self {
        let reports = ReportStore::below(handle.services().environment.state_dir());
        let Memory { background, names } = memory.clone();
        Self { handle, background, names, reports }
    }

    /// The runtime that runs the tasks.
    pub fn handle(&self) -> &RuntimeHandle {
        &self.handle
    }

    /// Answers a call; whatever is wrong with it or with its task is in the answer. Tasks are handed to the runtime
    /// before this returns, so that they begin in the order of the calls. The future needs a tokio runtime with time
    /// enabled.
    ///
    /// # Cancel safety
    /// Dropping the future cancels its task, unless that runs in the background and has begun.
    pub fn call(&self, tool: &str, arguments: &Value, caller: &ToolCaller) -> BoxFuture<'static, ToolAnswer> {
        let bytes_max = caller.answer_bytes_max;
        match ToolInput::parse(tool, arguments) {
            Err(text) => std::future::ready(ToolAnswer::error(text)).boxed(),
            Ok(ToolInput::Task(input)) => self.task(input, caller),
            Ok(ToolInput::Output(input)) => self.clone().output(input, bytes_max).boxed(),
            Ok(ToolInput::Stop { task }) => self.clone().stop(task).boxed(),
        }
    }

    /// The task that a call is about: the caller's new one, or the one that it goes on with.
    pub fn task_of(&self, arguments: &Value, caller: &ToolCaller) -> TaskId {
        let resumed = arguments.get("resume").and_then(Value::as_str);
        resumed.and_then(|agent| self.names.find(agent)).unwrap_or(caller.task)
    }

    fn task(&self, input: TaskInput, caller: &ToolCaller) -> BoxFuture<'static, ToolAnswer> {
        let depth_max = self.handle.settings().limits.max_depth;
        if caller.depth >= depth_max {
            return std::future::ready(ToolAnswer::error(too_deep(depth_max))).boxed();
        }
        let reply = input.reply;
        let description = input.description.clone();
        let resumed = input.resume.as_deref().map(|agent| self.names.find(agent).ok_or(agent)).transpose();
        let resumed = match resumed {
            Ok(resumed) => resumed,
            Err(agent) => {
                let error = TaskError::NoTranscript { task: agent.to_owned() };
                return std::future::ready(ToolAnswer::error(answer::error_text(&error))).boxed();
            }
        };
        let name = input.name.clone();
        let request = request(input, resumed, caller);
        if let Some(name) = name {
            self.names.give(&name, request.id);
        }
        let (task, bytes_max) = (request.id, caller.answer_bytes_max);
        let running = self.handle.run(RunTask::from_request(request));
        let tool = self.clone();
        match reply {
            ReplyTime::AtEnd => async move {
                let ended = running.await;
                tool.ended(ended, bytes_max).await
            }
            .boxed(),
            ReplyTime::AtStart => tool.launch(task, description, running, bytes_max).boxed(),
        }
    }

    /// The answer to a call whose task has ended.
    pub(super) async fn ended(&self, ended: Ended, bytes_max: usize) -> ToolAnswer {
        let report = match ended {
            Ok(report) => report,
            Err(error) => return ToolAnswer::error(answer::error_text(&error)),
        };
        let is_error = !is_completed(&report);
        let has_begun = answer::has_begun(&report);
        let id = has_begun.then(|| answer::agent_id(&report));
        let room = bytes_max.saturating_sub(id.as_ref().map_or(0, String::len));
        let mut text = self.fit(&report, room).await;
        if answer::is_a_providers_fault(&report) {
            text = answer::with_trouble(text, &self.handle.health().await.trouble());
        }
        let tainted_by = report.tainted_by;
        ToolAnswer { blocks: [text].into_iter().chain(id).collect(), is_error, tainted_by }
    }

    /// Waits until the runtime has taken or refused the task, and leaves it running.
    async fn launch(
        self,
        task: TaskId,
        description: String,
        running: TaskFuture<String>,
        bytes_max: usize,
    ) -> ToolAnswer {
        let (tell, mut ending) = watch::channel(None);
        let waiting = self.handle.services().io.spawn(async move {
            let ended = running.await;
            tell.send_replace(Some(Arc::new(ended)));
        });
        // The supervisor answers in the order in which it is asked: afterwards it has taken the task, or refused it.
        let _ = self.handle.supervisor().send(AwaitRecall { task }).await;
        if !self.handle.board().contains_key(&task) {
            let ended = ending.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
            match ended.map(Arc::unwrap_or_clone) {
                Some(Ok(report)) if answer::has_begun(&report) => {}
                Some(ended) => return self.ended(ended, bytes_max).await,
                None => return ToolAnswer::error(answer::error_text(&TaskError::RuntimeDown)),
            }
        }
        self.background.insert(task, BackgroundTask { description, ending, _running: waiting });
        let capacity =
            self.capacity(task).await.map(|text| format!("\nCapacity: {text}.")).unwrap_or_default();
        ToolAnswer::text(format!(
            "Async agent launched successfully.\nagentId: {task} (an internal id, not for the user: TaskOutput fetches \
             the report with it, TaskStop ends the agent)\nThe agent works in the background; go on with other \
             work.{capacity}"
        ))
    }

    async fn output(self, input: OutputInput, bytes_max: usize) -> ToolAnswer {
        let Some((task, _, mut ending)) = self.find(&input.task) else {
            return ToolAnswer::error(no_such_task(&input.task));
        };
        if !input.wait.is_zero() {
            // A task that has not ended in time is reported as running.
            let _ = tokio::time::timeout(input.wait, ending.wait_for(Option::is_some)).await;
        }
        let ended = ending.borrow().clone();
        let capacity = if ended.is_none() { self.capacity(task).await } else { None };
        let (retrieval, status, output) = match ended.as_deref() {
            None => ("not_ready", "running", None),
            Some(Ok(report)) => {
                ("success", answer::status(&report.outcome), Some(self.fit(report, bytes_max).await))
            }
            Some(Err(error)) => ("success", "failed", Some(answer::error_text(error))),
        };
        let mut parts = vec![
            format!("<retrieval_status>{retrieval}</retrieval_status>"),
            format!("<task_id>{task}</task_id>"),
            "<task_type>local_agent</task_type>".to_owned(),
            format!("<status>{status}</status>"),
        ];
        let sources: &[String] = match ended.as_deref() {
            Some(Ok(report)) => &report.tainted_by,
            Some(Err(_)) | None => &[],
        };
        parts.extend(output.map(|text| format!("<output>\n\n--- RESULT ---\n{text}\n</output>")));
        parts.extend(capacity.map(|text| format!("<capacity>{text}</capacity>")));
        ToolAnswer::text(parts.join("\n\n")).tainted_by(sources)
    }

    /// What holds a task up, if anything does: its place in the queue, providers that are not ready.
    async fn capacity(&self, task: TaskId) -> Option<String> {
        let health = self.handle.health().await;
        let place = self.handle.place_in_queue(task).await;
        let waits = place.map(|before| {
            format!("the task waits for a slot, {before} before it; {}", health.slots_in_words())
        });
        let parts: Vec<String> = waits.into_iter().chain(health.trouble()).collect();
        (!parts.is_empty()).then(|| parts.join(". "))
    }

    async fn stop(self, text: String) -> ToolAnswer {
        let Some((task, description, ending)) = self.find(&text) else {
            return ToolAnswer::error(no_such_task(&text));
        };
        let ended = ending.borrow().clone();
        if let Some(ended) = ended {
            let status = ended.as_ref().as_ref().map_or("failed", |report| answer::status(&report.outcome));
            return ToolAnswer::error(format!("Task {task} is not running (status: {status})"));
        }
        self.handle.cancel(task).await;
        let message = format!("Successfully stopped task: {task} ({description})");
        ToolAnswer::text(json!({"message": message, "task_id": task, "task_type": "local_agent"}).to_string())
    }

    /// A background task, by what a model calls it.
    fn find(&self, text: &str) -> Option<(TaskId, String, Ending)> {
        let task = self.names.find(text)?;
        let (description, ending) = self.background.find(task)?;
        Some((task, description, ending))
    }

    /// A task's text, no longer than allowed.
    async fn fit(&self, report: &TaskReport, bytes_max: usize) -> String {
        let text = answer::report_text(report);
        if text.len() <= bytes_max {
            return text;
        }
        let (reports, task) = (self.reports.clone(), report.task);
        let saving = self.handle.services().io.spawn_blocking(move || reports.fit(task, text, bytes_max));
        match saving.await {
            Ok(text) => text,
            Err(_) => answer::error_text(&TaskError::RuntimeDown),
        }
    }
}

fn request(input: TaskInput, resumed: Option<TaskId>, caller: &ToolCaller) -> TaskRequest {
    // Whoever goes on with the run may find a task of an agent the first of those that have not ended.
    let of_agent = |asks: &Delegate| (asks.run, asks.run_limits, asks.children.clone());
    let of_host = || {
        let depth = caller.depth.saturating_add(1);
        (caller.run, BudgetLimits::NONE, Lineage { depth, ..Lineage::default() })
    };
    let (run, run_limits, lineage) = caller.delegate.as_ref().map_or_else(of_host, of_agent);
    TaskRequest {
        id: resumed.unwrap_or(caller.task),
        run,
        subagent_type: input.agent.into(),
        prompt: input.prompt.into(),
        preface: Vec::new(),
        description: Some(input.description),
        model: input.model,
        provider: None,
        effort: input.effort,
        timeout: None::<Duration>,
        turns_max: None,
        cost_max: None,
        tokens_max: None,
        run_limits,
        permission_mode: caller.permission_mode,
        sandbox: caller.sandbox,
        priority: Priority::Normal,
        tainted_by: caller.tainted_by.clone(),
        conversation: if resumed.is_some() { Conversation::Resumed } else { Conversation::New },
        isolation: input.isolation,
        output: None,
        lineage,
        ballot: None,
    }
}

fn is_completed(report: &TaskReport) -> bool {
    matches!(report.outcome, codex_task_actors::Outcome::Completed(_))
}

fn too_deep(depth_max: u32) -> String {
    let agents = if depth_max == 1 { "agents that the main agent has started" } else { "agents this deep" };
    format!(
        "Agent failed: {agents} may not start agents of their own (limits.max_depth is {depth_max})\n\
         Suggestion: do the work yourself and report it; the user can raise limits.max_depth up to {}",
        codex_task_config::Limits::DEPTH_MAX
    )
}

fn no_such_task(id: &str) -> String {
    format!("No task found with ID: {id}")
}
