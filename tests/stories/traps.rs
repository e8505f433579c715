//! The traps of actix 0.13, each shown to be there, and the way in which the runtime does not fall into it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, Context, Handler, Message, Supervised, Supervisor};
use codex_task::{Outcome, RunTask, TaskError, TaskStatus};
use codex_task_providers::scripted::{Fault, Rule};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::harness::{
    TestRuntime, TestTool, agent, agents, calling, first, in_child, scripted, wait_for, wait_until,
};

/// An actor that panics when it is told to, and counts what is said about its life.
#[derive(Default)]
struct Fragile {
    restarted: Arc<AtomicUsize>,
    panics_when_stopped: bool,
}

impl Actor for Fragile {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        assert!(!self.panics_when_stopped, "a second panic, while the first unwinds");
    }
}

impl Supervised for Fragile {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.restarted.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Break;

impl Handler<Break> for Fragile {
    type Result = ();

    fn handle(&mut self, _: Break, _: &mut Self::Context) {
        panic!("told to");
    }
}

#[actix::test]
async fn the_supervisor_of_actix_does_not_restart_what_panics() {
    let restarted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&restarted);
    let fragile = Supervisor::start(|_| Fragile { restarted: counter, panics_when_stopped: false });
    assert!(fragile.send(Break).await.is_err());
    assert!(fragile.send(Break).await.is_err(), "it stays dead");
    assert_eq!(restarted.load(Ordering::SeqCst), 0);
    assert!(!fragile.connected());
}

#[tokio::test]
async fn a_mailbox_is_no_limit_and_admission_is_a_counter() {
    const TASKS: usize = 10_000;
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let tasks: Vec<_> = (0..TASKS).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    // Sixteen messages fit the mailbox; all are taken, and ten run.
    wait_for("all are admitted", async || runtime.counters().await.admitted == TASKS as u64).await;
    let counters = runtime.counters().await;
    assert_eq!((counters.running, counters.queued), (10, TASKS - 10));
    assert_eq!(runtime.board().len(), TASKS);
    assert!(model.recorded().len() <= 10);
    let answered = join_all(tasks);
    assert_eq!(runtime.cancel_all().await, TASKS);
    for report in answered.await {
        assert_eq!(report.expect("no panic").status(), TaskStatus::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actors_do_not_start_on_a_hosts_threads_but_the_runtime_does() {
    assert!(catch_unwind(AssertUnwindSafe(|| Fragile::default().start())).is_err());
    let model = scripted([Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model));
    assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
}

#[test]
fn the_runtime_starts_and_runs_inside_a_current_thread_tokio_and_outside_of_any() {
    let start = || {
        let model = scripted([Rule::text("done")]);
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model))
    };
    let outside = start();
    let host = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    host.block_on(async {
        assert!(catch_unwind(AssertUnwindSafe(|| Fragile::default().start())).is_err());
        let inside = start();
        for runtime in [&outside, &inside] {
            assert_eq!(runtime.ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
        }
    });
}

#[tokio::test]
async fn dropping_a_send_future_ends_nothing_and_dropping_a_task_future_does() {
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let (sent, run) = (RunTask::<String>::new("worker", "sent"), RunTask::<String>::new("worker", "run"));
    let id = sent.request.id;
    let (sending, running) = (runtime.supervisor().send(sent), runtime.run(run));
    wait_for("both were taken", async || runtime.counters().await.admitted == 2).await;
    drop((sending, running));
    wait_until("one of them has ended", || runtime.board().len() == 1).await;
    assert!(runtime.board().contains_key(&id), "the one that was only sent still runs");
    assert!(runtime.cancel(id).await);
    wait_until("it has ended too", || runtime.board().is_empty()).await;
    assert_eq!(runtime.counters().await.admitted, 2);
}

#[tokio::test]
async fn a_runtime_that_has_stopped_answers_that_it_is_down() {
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let handle = (*runtime).clone();
    let running = handle.run(RunTask::<String>::new("worker", "go"));
    wait_until("the model is asked", || !model.recorded().is_empty()).await;
    let stopped = handle.clone().shutdown_within(Duration::ZERO).await;
    assert_eq!((stopped.cancelled, stopped.abandoned, stopped.blocked_workers), (1, 0, 0));
    assert_eq!(running.await.expect("the task was answered first").status(), TaskStatus::Cancelled);
    let late = handle.run(RunTask::<String>::new("worker", "late")).await;
    assert_eq!(late.map(|_| ()), Err(TaskError::RuntimeDown));
    assert_eq!(handle.run_all(vec![]).await.map(|_| ()), Err(TaskError::RuntimeDown));
    assert!(!handle.cancel(codex_task::TaskId::new()).await);
    runtime.stopped_already();
}

#[test]
fn a_panic_while_an_actor_is_dropped_ends_the_process() {
    let child = in_child("traps::a_panic_while_an_actor_is_dropped_ends_the_process", || {
        actix::System::new().block_on(async {
            let fragile = Fragile { panics_when_stopped: true, ..Fragile::default() }.start();
            let _ = fragile.send(Break).await; // there is no afterwards
        });
    });
    #[cfg(unix)]
    if let Some(child) = child {
        use std::os::unix::process::ExitStatusExt as _;
        const SIGABRT: i32 = 6;
        assert_eq!(child.status.signal(), Some(SIGABRT), "{child:?}");
    }
}

#[test]
fn agents_that_panic_end_no_process_and_only_the_hosts_own_panics_reach_its_hook() {
    let name = "traps::agents_that_panic_end_no_process_and_only_the_hosts_own_panics_reach_its_hook";
    let child = in_child(name, || {
        std::panic::set_hook(Box::new(|info| {
            println!("the host's hook: {}", info.payload_as_str().unwrap_or_default());
        }));
        let model = scripted([calling("Burst").when(first()).times(1), Rule::fault(Fault::panic())]);
        let runtime = TestRuntime::start(|builder| {
            let burst = TestTool::reading("Burst", |_| async { panic!("a tool of ours") });
            builder.agents(agents([agent("worker")])).backend(model).tool(burst.shared())
        });
        let host = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let report = host.block_on(runtime.ask("worker", "go"));
        assert_eq!(report.status(), TaskStatus::Crashed);
        let own = std::thread::spawn(|| panic!("the host's own"));
        assert!(own.join().is_err());
    });
    let Some(child) = child else { return };
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");
    assert_eq!(said.matches("the host's hook").count(), 1, "{said}");
    assert!(said.contains("the host's hook: the host's own"), "{said}");
    assert!(!said.contains("a tool of ours") && !said.contains("the scenario asks"), "{said}");
}

#[tokio::test]
async fn blocking_work_that_goes_on_does_not_hold_the_shutdown_up() {
    let model = scripted([calling("Block").when(first())]);
    let runtime = TestRuntime::start(|builder| {
        let block = TestTool::reading("Block", |_| async {
            #[expect(clippy::disallowed_methods, reason = "blocking work is the point")]
            let work = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(4)));
            let _ = work.await; // nobody waits so long
            Ok(String::new())
        });
        builder.agents(agents([agent("worker")])).backend(model.clone()).tool(block.shared())
    });
    let task = RunTask::<String>::new("worker", "go").timeout(Duration::from_millis(100));
    let report = runtime.run(task).await.expect("the runtime runs");
    assert_eq!(report.status(), TaskStatus::TimedOut);
    let began = Instant::now();
    drop(runtime);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Rules that no compiler checks, because actix allows what must not be done.
#[test]
fn no_actor_of_ours_does_what_actix_punishes() {
    const FORBIDDEN: [&str; 6] = [
        "ResponseActFuture",
        "AtomicResponse",
        "fn stopping",
        "fn stopped(&",
        "actix::Supervisor",
        "set_mailbox_capacity",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    for room in ["actors/src", "runtime/src"] {
        collect(&root.join(room), &mut sources);
    }
    assert!(sources.len() > 20, "the sources are there");
    for path in sources {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let found = FORBIDDEN.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{}: {line}", path.display());
        }
    }
}

fn collect(dir: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(path);
        }
    }
}
