//! The runtime inside other programs: whatever threads they have, however often they start it, however they leave it.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{
    Environment, Outcome, RunTask, Runtime, RuntimeHandle, ShutdownReport, TaskError, TaskFuture,
};
use codex_task_providers::scripted::{Fault, Rule, ScriptedBackend};
use futures_util::future::join_all;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::{
    Runs, TestRuntime, TestTool, agent, agents, calling, first, in_child, scripted, then, wait_until,
};

fn saying(text: &str) -> Arc<ScriptedBackend> {
    scripted([Rule::text(text)])
}

fn start(model: &Arc<ScriptedBackend>) -> TestRuntime {
    TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()))
}

fn completed(text: &str) -> Outcome {
    Outcome::Completed(text.to_owned())
}

#[test]
fn a_handle_can_be_shared_by_all_threads_and_a_task_awaited_on_any() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    fn moves<T: Send + 'static>() {}
    is_shared::<RuntimeHandle>();
    moves::<TaskFuture<String>>();
}

#[tokio::test]
async fn several_runtimes_live_in_one_process_and_know_nothing_of_each_other() {
    let models = ["one", "two", "three"].map(saying);
    let runtimes = models.each_ref().map(start);
    let hanging = scripted([Rule::fault(Fault::hang())]);
    let busy = start(&hanging);
    let task = RunTask::<String>::new("worker", "hang");
    let id = task.request.id;
    let running = busy.begin(task);
    wait_until("it runs", || busy.board().contains_key(&id)).await;
    for (runtime, text) in runtimes.iter().zip(["one", "two", "three"]) {
        assert!(!runtime.cancel(id).await, "an id of another runtime");
        assert_eq!(runtime.ask("worker", "go").await.outcome, completed(text));
        assert!(runtime.board().is_empty());
    }
    let [first, ..] = runtimes;
    drop(first);
    assert!(busy.board().contains_key(&id), "the end of one is not the end of another");
    assert!(busy.cancel(id).await);
    running.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_a_multi_thread_host_are_asked_for_from_all_its_threads() {
    let model = saying("done");
    let runtime = start(&model);
    let mut asking = JoinSet::new();
    for n in 0..100 {
        let handle = (*runtime).clone();
        asking.spawn(async move {
            if n % 2 == 0 {
                handle.run(RunTask::<String>::new("worker", n.to_string())).await
            } else {
                let task = RunTask::<String>::new("worker", n.to_string());
                handle.supervisor().send(task).await.map_err(|_| TaskError::RuntimeDown)?
            }
        });
    }
    while let Some(report) = asking.join_next().await {
        assert_eq!(report.expect("no panic").expect("the runtime runs").outcome, completed("done"));
    }
    assert_eq!(model.recorded().len(), 100);
}

#[tokio::test]
async fn dropping_the_last_handle_answers_who_waits_and_an_earlier_one_nobody() {
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime = start(&model);
    let (one, two) = ((*runtime).clone(), (*runtime).clone());
    runtime.stopped_already(); // the story holds the handles now
    let waiting = two.run(RunTask::<String>::new("worker", "go"));
    wait_until("the model is asked", || !model.recorded().is_empty()).await;
    drop(two);
    let mut waiting = Box::pin(waiting);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "one handle is still there");
    let began = Instant::now();
    drop(one);
    assert_eq!(waiting.await.map(|_| ()), Err(TaskError::RuntimeDown));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_shuts_down_second_finds_nothing_to_do() {
    let model = saying("done");
    let runtime = start(&model);
    assert_eq!(runtime.ask("worker", "go").await.outcome, completed("done"));
    let (one, two) = ((*runtime).clone(), (*runtime).clone());
    runtime.stopped_already();
    let clean = ShutdownReport { cancelled: 0, abandoned: 0, blocked_workers: 0 };
    assert_eq!(one.shutdown().await, clean);
    assert_eq!(two.shutdown().await, clean);
}

/// Tools and model calls run on the host's own threads, told by their names.
fn start_on(io: Handle, seen: &Arc<std::sync::Mutex<Vec<String>>>) -> TestRuntime {
    let model = scripted([calling("Look").when(first()), Rule::text("done").when(then("Look"))]);
    let seen = Arc::clone(seen);
    TestRuntime::start(move |builder| {
        let look = TestTool::reading("Look", move |_| {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            seen.lock().expect("no panic").push(name);
            async { Ok("seen".to_owned()) }
        });
        builder.agents(agents([agent("worker")])).backend(model).tool(look.shared()).io(io)
    })
}

#[test]
fn a_hosts_own_threads_can_serve_connections_and_tools() {
    for mut host in [Builder::new_multi_thread(), Builder::new_current_thread()] {
        let host = host.worker_threads(1).thread_name("the-host").enable_all().build().expect("a runtime");
        let seen = Arc::default();
        let runtime = start_on(host.handle().clone(), &seen);
        let reports = host.block_on(join_all((0..12).map(|_| runtime.ask("worker", "go"))));
        assert!(reports.iter().all(|report| report.outcome == completed("done")));
        let names = seen.lock().expect("no panic").clone();
        assert_eq!(names.len(), 12);
        assert!(names.iter().all(|name| !name.starts_with("codex-task")), "{names:?}");
    }
}

#[test]
fn a_host_that_drops_its_own_threads_first_is_answered_all_the_same() {
    let host = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let model = scripted([Rule::fault(Fault::hang()).times(1), Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).io(host.handle().clone())
    });
    let other = Builder::new_current_thread().enable_all().build().expect("a runtime");
    other.block_on(async {
        let running = runtime.begin(RunTask::new("worker", "go"));
        wait_until("the model is asked", || !model.recorded().is_empty()).await;
        host.shutdown_background();
        let report = running.await.expect("no panic");
        assert!(matches!(report.outcome, Outcome::Crashed { .. }), "{:?}", report.outcome);
    });
}

#[tokio::test]
async fn a_watcher_that_falls_behind_loses_events_and_nobody_loses_a_result() {
    let looks = Runs::default();
    let model = scripted([calling("Look").when(first()), Rule::text("done").when(then("Look"))]);
    let runtime = TestRuntime::start(|builder| {
        let looks = looks.clone();
        let look = TestTool::reading("Look", move |_| {
            looks.add();
            async { Ok("seen".to_owned()) }
        });
        builder.agents(agents([agent("worker")])).backend(model.clone()).tool(look.shared())
    });
    let mut slow = runtime.events();
    let requests = (0..300).map(|n| RunTask::<String>::new("worker", n.to_string()).request).collect();
    let report = runtime.run_all(requests).await.expect("the runtime runs");
    assert!(report.tasks.iter().all(|task| task.outcome == completed("done")));
    assert_eq!(looks.count(), 300);
    let lost = slow.recv().await.expect_err("more happened than is kept");
    assert!(matches!(lost, tokio::sync::broadcast::error::RecvError::Lagged(missed) if missed > 0));
    assert!(slow.recv().await.is_ok(), "it goes on with what is kept");
}

#[test]
fn a_working_directory_that_does_not_exist_is_an_error_with_a_remedy() {
    let environment = Environment::new("/nowhere/to/be/found", [("HOME", "/nowhere")]);
    let Err(error) = Runtime::builder().environment(environment).start() else {
        panic!("it cannot start there")
    };
    assert_eq!(error.help(), "choose a directory that exists and that you may read");
}

/// Entries of a folder of `/proc/self`.
#[cfg(target_os = "linux")]
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("Linux has it").count()
}

#[cfg(target_os = "linux")]
#[test]
fn fifty_runtimes_that_were_stopped_or_dropped_leave_no_thread_and_no_file_behind() {
    let story = || {
        let host = Builder::new_current_thread().enable_all().build().expect("a runtime");
        host.block_on(async {
            let mut before = (0, 0);
            for cycle in 0..56 {
                if cycle == 6 {
                    // Whatever is made once for the whole process is there by now.
                    wait_until("the first ones are gone", || count("task") <= 3).await;
                    before = (count("task"), count("fd"));
                }
                let model = scripted([Rule::text("done").times(1), Rule::fault(Fault::hang())]);
                let runtime = start(&model);
                assert_eq!(runtime.ask("worker", "go").await.outcome, completed("done"));
                match cycle % 3 {
                    0 => drop(runtime), // stops, joins and looks
                    1 => {
                        let handle = (*runtime).clone();
                        runtime.stopped_already();
                        let report = handle.shutdown_within(Duration::ZERO).await;
                        assert_eq!((report.cancelled, report.blocked_workers), (0, 0));
                    }
                    _ => {
                        let left = runtime.run(RunTask::<String>::new("worker", "hang"));
                        runtime.stopped_already(); // the last handle, with a task that runs
                        assert_eq!(left.await.map(|_| ()), Err(TaskError::RuntimeDown));
                    }
                }
            }
            let is_left = || count("task") > before.0 || count("fd") > before.1;
            wait_until("all threads and files are gone", || !is_left()).await;
        });
    };
    let name = "embedding::fifty_runtimes_that_were_stopped_or_dropped_leave_no_thread_and_no_file_behind";
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{child:?}");
    }
}
