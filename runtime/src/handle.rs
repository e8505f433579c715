//! What a host holds: a handle to a running runtime, and the future of a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use actix::Addr;
use actix::dev::Request;
use codex_task_actors::{
    AggregatorActor, CancelQueued, CancelTask, CloseRun, CollectRun, Drain, EventBus, OpenRun, RunId,
    RunReport, RunTask, RunTasks, Seat, Services, SupervisorActor, TaskBoard, TaskError, TaskEvent, TaskId,
    TaskReport, TaskRequest,
};
use codex_task_config::{AgentRegistry, Problem, RegistryWatcher, Settings};
use codex_task_providers::{LocalServer, ProviderRegistry};
use codex_task_tools::{Containment, McpStatus};
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
#[cfg(feature = "store")]
use tokio_util::task::AbortOnDropHandle;

#[cfg(feature = "store")]
use crate::audit::AuditTrail;
use crate::heartbeat::Heartbeat;
#[cfg(feature = "store")]
use crate::store::Recorder;
#[cfg(feature = "store")]
use crate::task_tool::NestedTasks;
use crate::task_tool::{TaskTool, TaskToolSpec, ToolCatalog};
use crate::telemetry::Telemetry;
use crate::threads::Threads;

/// Time that running tasks get to end by themselves when [`RuntimeHandle::shutdown`] is called.
const DRAIN_GRACE: Duration = Duration::from_secs(5);
/// Time that cancelled tasks get to hand in what they have.
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// How long hooks may run on that nobody waits for.
const HOOKS_GRACE: Duration = Duration::from_secs(5);

/// A running runtime. Clones share it; dropping the last one stops it without waiting for its tasks.
#[derive(Clone)]
pub struct RuntimeHandle {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) supervisor: Addr<SupervisorActor>,
    pub(crate) aggregator: Seat<AggregatorActor>,
    pub(crate) board: TaskBoard,
    pub(crate) events: EventBus,
    pub(crate) services: Arc<Services>,
    pub(crate) problems: Vec<Problem>,
    /// The server that was found on this machine, because no provider is configured.
    pub(crate) local_server: Option<LocalServer>,
    /// Knows whether the control thread is blocked.
    pub(crate) heartbeat: Heartbeat,
    /// Ends the MCP servers.
    pub(crate) servers_stop: CancellationToken,
    /// Keeps the agent files watched.
    pub(crate) _watcher: Option<RegistryWatcher>,
    /// What tells others of the tasks; taken by whoever stops the runtime.
    pub(crate) telemetry: Mutex<Telemetry>,
    /// Taken by whoever stops the runtime first.
    pub(crate) threads: Mutex<Option<Threads>>,
    /// The Task tool of agents, for those that go on.
    #[cfg(feature = "store")]
    pub(crate) nested: Arc<NestedTasks>,
    /// Who writes down what tasks do.
    #[cfg(feature = "store")]
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// Who writes it down so that nobody can change it unseen.
    #[cfg(feature = "store")]
    pub(crate) trail: Option<Arc<AuditTrail>>,
    /// Cancels what other processes ask to be cancelled, as long as the runtime lives.
    #[cfg(feature = "store")]
    pub(crate) _cancelling: Option<AbortOnDropHandle<()>>,
}

/// What a shutdown left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Tasks that were cancelled because they did not end in time.
    pub cancelled: usize,
    /// Tasks that did not even end when they were cancelled.
    pub abandoned: usize,
    /// Worker threads that were blocked in foreign code and could not be joined.
    pub blocked_workers: usize,
}

impl RuntimeHandle {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// The supervisor, for `send(RunTask::<T>::new(..))`. Dropping that future does not cancel the task; the future
    /// of [`RuntimeHandle::run`] does.
    pub fn supervisor(&self) -> &Addr<SupervisorActor> {
        &self.shared.supervisor
    }

    /// The aggregator, for hosts that open and collect runs themselves: the one that lives now. One that dies is replaced,
    /// and has forgotten the runs that were open.
    pub fn aggregator(&self) -> Addr<AggregatorActor> {
        self.shared.aggregator.addr()
    }

    /// Runs a task.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the task.
    pub fn run<T: DeserializeOwned + JsonSchema + Send + 'static>(&self, task: RunTask<T>) -> TaskFuture<T> {
        let cancel = self.cancel_on_drop(task.request.id);
        TaskFuture { answer: Box::pin(self.shared.supervisor.send(task)), cancel }
    }

    /// Runs tasks side by side and collects them all, failed ones included, in the order given. They share the limits of
    /// their run: the settings', narrowed by those of the requests. Where the runtime records, a process that is killed
    /// right after this call has forgotten none of them.
    ///
    /// # Errors
    /// [`TaskError::ShuttingDown`] or [`TaskError::RuntimeDown`]: there is no runtime to take the tasks.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the tasks.
    pub async fn run_all(&self, mut tasks: Vec<TaskRequest>) -> Result<RunReport, TaskError> {
        let run = RunId::new();
        for task in &mut tasks {
            task.run = run;
        }
        let began = Instant::now();
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        let cancel: Vec<_> = ids.iter().map(|task| self.cancel_on_drop(*task)).collect();
        let aggregator = &self.shared.aggregator;
        // Without an aggregator there is nobody to tell what agents have started themselves; the tasks end all the same.
        let _ = aggregator.addr().send(OpenRun { run, tasks: ids }).await;
        let _close = CloseOnDrop { aggregator: aggregator.clone(), run };
        let ended = self.shared.supervisor.send(RunTasks { requests: tasks }).await;
        cancel.into_iter().for_each(CancelOnDrop::disarm);
        let tasks = ended.map_err(|_| TaskError::RuntimeDown)??;
        let collected = aggregator.addr().send(CollectRun { run }).await.ok().and_then(Result::ok);
        let alone = || RunReport { run, tasks, nested: Vec::new(), total: began.elapsed() };
        Ok(collected.unwrap_or_else(alone))
    }

    pub(crate) fn cancel_on_drop(&self, task: TaskId) -> CancelOnDrop {
        CancelOnDrop { supervisor: self.shared.supervisor.clone(), task: Some(task) }
    }

    /// Cancels a task; whoever waits for it gets its partial text. Returns whether there was such a task.
    pub async fn cancel(&self, task: TaskId) -> bool {
        self.shared.supervisor.send(CancelTask { task }).await.unwrap_or(false)
    }

    /// Cancels all tasks. Returns how many there were.
    pub async fn cancel_all(&self) -> usize {
        // Those that wait first: a slot that a cancelled task leaves must not go to one of them.
        let queued = self.shared.supervisor.send(CancelQueued).await.unwrap_or(0);
        let tasks: Vec<TaskId> = self.shared.board.iter().map(|entry| *entry.key()).collect();
        let cancelled = join_all(tasks.into_iter().map(|task| self.cancel(task))).await;
        queued + cancelled.into_iter().filter(|was_there| *was_there).count()
    }

    /// Watches what tasks do, from now on. A receiver that falls behind loses the oldest events, never a result.
    pub fn events(&self) -> broadcast::Receiver<Arc<TaskEvent>> {
        self.shared.events.watch()
    }

    /// All tasks that have not ended, readable without waiting.
    pub fn board(&self) -> &TaskBoard {
        &self.shared.board
    }

    /// The agents as they are now.
    pub fn agents(&self) -> Arc<AgentRegistry> {
        self.shared.services.agents.current()
    }

    /// The session's settings.
    pub fn settings(&self) -> &Settings {
        &self.shared.services.settings
    }

    /// The MCP servers of the session: which run, and why others do not.
    pub fn mcp_servers(&self) -> Vec<McpStatus> {
        self.shared.services.mcp.status()
    }

    /// What was wrong with the settings files and the project's MCP servers when the runtime started.
    pub fn problems(&self) -> &[Problem] {
        &self.shared.problems
    }

    /// What is missing to hold commands back, on a system whose sandbox does not work.
    pub fn missing_sandbox(&self) -> Option<Problem> {
        self.shared.services.rights.containment().and_then(Containment::problem)
    }

    /// The providers.
    pub fn providers(&self) -> &ProviderRegistry {
        &self.shared.services.providers
    }

    /// The server that was found on this machine and is used, because no provider is configured.
    pub fn local_server(&self) -> Option<&LocalServer> {
        self.shared.local_server.as_ref()
    }

    /// What the Task tool offers now.
    pub fn tool_catalog(&self) -> ToolCatalog {
        let services = &self.shared.services;
        ToolCatalog::new(services.agents.clone(), services.rights.clone(), services.settings.limits)
    }

    /// The Task tool as a model is offered it: name, description with the agents as they are now, input schema.
    pub fn tool_spec(&self) -> TaskToolSpec {
        self.tool_catalog().task()
    }

    /// The Task tool and its companions as something that answers calls. Keep it: background tasks belong to it and
    /// are cancelled with it.
    pub fn task_tool(&self) -> TaskTool {
        TaskTool::new(self.clone())
    }

    /// The session's audit trail, where the runtime itself keeps one.
    #[cfg(feature = "store")]
    pub fn audit_trail(&self) -> Option<&Arc<AuditTrail>> {
        self.shared.trail.as_ref()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.shared.services
    }

    /// Takes no new tasks, ends those that wait for a slot, gives running ones this long to end by themselves, and cancels
    /// the rest. The runtime goes on to live. Returns how many were cancelled.
    pub async fn drain(&self, grace: Duration) -> usize {
        let supervisor = &self.shared.supervisor;
        // Polled together, so that nothing new comes in before the queue is emptied.
        let (drained, queued) = futures_util::join!(
            tokio::time::timeout(grace, supervisor.send(Drain)),
            supervisor.send(CancelQueued),
        );
        let rest = if drained.is_err() { self.cancel_all().await } else { 0 };
        queued.unwrap_or(0) + rest
    }

    /// Takes no new tasks, gives running ones five seconds to end, cancels the rest, stops and joins all threads.
    pub async fn shutdown(self) -> ShutdownReport {
        self.shutdown_within(DRAIN_GRACE).await
    }

    /// As [`RuntimeHandle::shutdown`], with another time for running tasks to end.
    pub async fn shutdown_within(self, grace: Duration) -> ShutdownReport {
        let supervisor = &self.shared.supervisor;
        let mut cancelled = 0;
        if tokio::time::timeout(grace, supervisor.send(Drain)).await.is_err() {
            cancelled = self.cancel_all().await;
            let _ = tokio::time::timeout(CANCEL_GRACE, supervisor.send(Drain)).await; // what is left is counted below
        }
        let abandoned = self.shared.board.len();
        // Hooks that nobody waited for may be about to tell somebody that the tasks have ended.
        self.shared.services.session.finish_hooks(HOOKS_GRACE).await;
        self.shared.servers_stop.cancel();
        // A server that does not end by then is killed with the runtime that it lives on.
        let _ = tokio::time::timeout(CANCEL_GRACE, self.shared.services.mcp.close()).await;
        let threads = self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let telemetry = std::mem::take(&mut *self.shared.telemetry());
        let stopping = move || {
            telemetry.finish(); // while there is a runtime that sends
            threads.map_or(0, Threads::stop)
        };
        let blocked_workers = tokio::task::spawn_blocking(stopping).await.unwrap_or(0);
        #[cfg(feature = "store")]
        if let Some(recorder) = &self.shared.recorder {
            recorder.flush().await;
        }
        #[cfg(feature = "store")]
        if let Some(trail) = self.shared.trail.clone() {
            let _ = tokio::task::spawn_blocking(move || trail.close()).await; // it does not panic
        }
        ShutdownReport { cancelled, abandoned, blocked_workers }
    }
}

impl Shared {
    pub(crate) fn telemetry(&self) -> MutexGuard<'_, Telemetry> {
        self.telemetry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.servers_stop.cancel();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.abandon();
        }
    }
}

/// The future of a task; see [`RuntimeHandle::run`].
#[must_use = "a task whose future is dropped is cancelled"]
pub struct TaskFuture<T: DeserializeOwned + JsonSchema + Send + 'static> {
    answer: Pin<Box<Request<SupervisorActor, RunTask<T>>>>,
    cancel: CancelOnDrop,
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> TaskFuture<T> {
    /// The task.
    pub fn task(&self) -> Option<TaskId> {
        self.cancel.task
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Future for TaskFuture<T> {
    type Output = Result<TaskReport<T>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = std::task::ready!(self.answer.as_mut().poll(cx));
        self.cancel.task = None;
        Poll::Ready(answer.unwrap_or(Err(TaskError::RuntimeDown)))
    }
}

/// Cancels a task whose caller has left.
pub(crate) struct CancelOnDrop {
    supervisor: Addr<SupervisorActor>,
    task: Option<TaskId>,
}

impl CancelOnDrop {
    /// The task has ended.
    pub(crate) fn disarm(mut self) {
        self.task = None;
    }
}

impl Drop for CancelOnDrop {
    #[expect(clippy::disallowed_methods, reason = "a cancellation must not be lost to a full mailbox")]
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            self.supervisor.do_send(CancelTask { task });
        }
    }
}

/// Forgets a run whose caller has left. A run that was collected is gone already.
struct CloseOnDrop {
    aggregator: Seat<AggregatorActor>,
    run: RunId,
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.aggregator.tell(CloseRun { run: self.run });
    }
}
