//! A runtime that must end clean: a story fails when it leaves a task, a permit or a thread behind.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{
    Observe, ProviderCounters, RunTask, Runtime, RuntimeBuilder, RuntimeHandle, ShutdownReport,
    SupervisorCounters, TaskReport,
};
use codex_task_actors::ListProviders;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::{TestProject, wait_for};

/// What a runtime leaves behind when all is well.
const CLEAN: ShutdownReport = ShutdownReport { cancelled: 0, abandoned: 0, blocked_workers: 0 };
/// Time for tasks that a story has dropped to end.
const GRACE: Duration = Duration::from_secs(3);

/// A running runtime in a project of its own.
pub(crate) struct TestRuntime {
    handle: Option<RuntimeHandle>,
    expected: ShutdownReport,
    pub(crate) project: Arc<TestProject>,
}

impl TestRuntime {
    /// Starts a runtime in an empty project.
    pub(crate) fn start(build: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Self {
        Self::start_in(TestProject::new(), build)
    }

    /// Starts a runtime in this project.
    pub(crate) fn start_in(
        project: TestProject,
        build: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Self {
        let builder = build(Runtime::builder().environment(project.environment()));
        let handle = builder.start().expect("a runtime");
        Self { handle: Some(handle), expected: CLEAN, project: Arc::new(project) }
    }

    /// Expects a worker that is still blocked at the end.
    pub(crate) fn expect_blocked_workers(&mut self, count: usize) {
        self.expected.blocked_workers = count;
    }

    /// The story stops the runtime itself. The project is deleted with what is returned.
    pub(crate) fn stopped_already(mut self) -> Arc<TestProject> {
        self.handle = None;
        Arc::clone(&self.project)
    }

    /// Runs one task to its end.
    pub(crate) async fn ask(&self, agent: &str, prompt: &str) -> TaskReport {
        self.run(RunTask::<String>::new(agent, prompt)).await.expect("the runtime runs")
    }

    /// Starts a task; dropping what is returned cancels it.
    pub(crate) fn begin(&self, task: RunTask<String>) -> AbortOnDropHandle<TaskReport> {
        let ended = self.run(task);
        let waiting = async move { ended.await.expect("the runtime runs") };
        AbortOnDropHandle::new(Handle::current().spawn(waiting))
    }

    /// What the supervisor has seen.
    pub(crate) async fn counters(&self) -> SupervisorCounters {
        self.supervisor().send(Observe::new()).await.expect("the supervisor lives")
    }

    /// What the provider actors have seen.
    pub(crate) async fn gates(&self) -> Vec<ProviderCounters> {
        gates(self).await
    }
}

impl Deref for TestRuntime {
    type Target = RuntimeHandle;

    fn deref(&self) -> &RuntimeHandle {
        self.handle.as_ref().expect("taken at the end only")
    }
}

impl Drop for TestRuntime {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        if std::thread::panicking() {
            return;
        }
        // The story's own runtime may have this one thread only.
        let ended = std::thread::spawn(move || {
            let waiting =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            waiting.block_on(end(handle))
        });
        assert_eq!(
            ended.join().expect("the end does not panic"),
            self.expected,
            "the runtime does not end clean"
        );
    }
}

async fn end(handle: RuntimeHandle) -> ShutdownReport {
    let all_back = async || gates(&handle).await.iter().all(|gate| gate.in_flight == 0 && gate.waiting == 0);
    wait_for("all permits are back", all_back).await;
    handle.shutdown_within(GRACE).await
}

async fn gates(handle: &RuntimeHandle) -> Vec<ProviderCounters> {
    handle.supervisor().send(ListProviders).await.expect("the supervisor lives")
}
