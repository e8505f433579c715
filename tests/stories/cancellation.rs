//! Tasks that are ended from outside: at every point of their way, within two seconds, with the text they have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use codex_task::{
    CancelTask, Observe, Outcome, RunTask, ShutdownReport, TaskError, TaskEventKind, TaskId, TaskStatus,
};
use codex_task_config::SettingsOverrides;
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Pattern, Rule, ScriptedCall};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    OneClock, Runs, Setup, TestRuntime, TestTool, agent, agents, calling, first, once_prompted, scripted,
    wait_for, wait_until,
};

/// The longest that anybody waits for a task that was cancelled or whose time is up.
const PROMPTLY: Duration = Duration::from_secs(2);

fn hanging_after(text: &str, bytes: usize) -> Rule {
    Rule::text(text).with_fault(Fault::hang().after_bytes(bytes))
}

fn overloaded() -> Rule {
    let retry_after = Some(Duration::from_secs(90));
    Rule::error(ProviderError::Overloaded { retry_after, detail: "later".into() })
}

fn at_once(count: usize) -> SettingsOverrides {
    SettingsOverrides { max_concurrent: Some(count), ..SettingsOverrides::default() }
}

fn never(name: &str) -> TestTool {
    TestTool::reading(name, |_| std::future::pending())
}

/// Cancels the task when this happens to it, and gives how it ended; fails when that takes too long.
async fn cancel_when(stage: &OneClock, task: RunTask<String>, when: fn(&TaskEventKind) -> bool) -> Outcome {
    let id = task.request.id;
    let mut events = stage.runtime.events();
    let running = stage.supervisor.send(task);
    let cancelling = async {
        while !when(&events.recv().await.expect("events come").kind) {}
        let began = Instant::now();
        assert!(stage.supervisor.send(CancelTask { task: id }).await.expect("the supervisor lives"));
        began
    };
    let (report, began) = futures_util::join!(running, cancelling);
    assert!(began.elapsed() <= PROMPTLY, "{:?}", began.elapsed());
    let again = stage.supervisor.send(CancelTask { task: id }).await.expect("the supervisor lives");
    assert!(!again, "there is nothing left to cancel");
    let mut endings = 0;
    while let Ok(event) = events.try_recv() {
        endings += usize::from(matches!(event.kind, TaskEventKind::Finished(_)));
    }
    assert_eq!(endings, 1);
    assert!(stage.board.is_empty());
    report.expect("the supervisor lives").expect("it takes tasks").outcome
}

#[actix::test]
async fn a_task_is_cancelled_between_two_tries() {
    tokio::time::pause();
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), scripted([overloaded()])));
    let is_retrying = |kind: &TaskEventKind| matches!(kind, TaskEventKind::Retrying { .. });
    let outcome = cancel_when(&stage, RunTask::new("worker", "go"), is_retrying).await;
    assert_eq!(outcome, Outcome::Cancelled { partial: None });
}

#[actix::test]
async fn a_task_is_cancelled_between_a_crash_and_its_restart() {
    tokio::time::pause();
    let stage =
        OneClock::start(Setup::new(agents([agent("worker")]), scripted([Rule::fault(Fault::panic())])));
    let is_restarting = |kind: &TaskEventKind| matches!(kind, TaskEventKind::Restarted { .. });
    let outcome = cancel_when(&stage, RunTask::new("worker", "go"), is_restarting).await;
    assert_eq!(outcome, Outcome::Cancelled { partial: None });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(stage.counters().await.running, 0, "the restart that was due does not happen");
}

#[actix::test]
async fn a_task_is_cancelled_in_a_tool_and_keeps_what_it_said_before() {
    tokio::time::pause();
    let model =
        scripted([Rule::text("I will try").and_call(ScriptedCall::new("Never", &json!({}))).when(first())]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.tools = vec![never("Never").shared()];
    let stage = OneClock::start(setup);
    let in_tool = |kind: &TaskEventKind| matches!(kind, TaskEventKind::ToolStarted { .. });
    let outcome = cancel_when(&stage, RunTask::new("worker", "go"), in_tool).await;
    assert_eq!(outcome, Outcome::Cancelled { partial: Some("I will try".into()) });
}

#[actix::test]
async fn a_task_is_cancelled_in_a_model_call_and_keeps_what_has_arrived() {
    tokio::time::pause();
    let model = scripted([hanging_after("the first half and the second half", 14)]);
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), model));
    let is_speaking = |kind: &TaskEventKind| matches!(kind, TaskEventKind::Text { .. });
    let outcome = cancel_when(&stage, RunTask::new("worker", "go"), is_speaking).await;
    assert_eq!(outcome, Outcome::Cancelled { partial: Some("the first half".into()) });
}

#[actix::test]
async fn a_task_is_cancelled_in_the_queue_before_anything_was_sent() {
    tokio::time::pause();
    let model = scripted([Rule::fault(Fault::hang())]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.overrides = at_once(1);
    let stage = OneClock::start(setup);
    let holder = RunTask::<String>::new("worker", "holds the slot");
    let id = holder.request.id;
    let holding = tokio::task::spawn_local(stage.supervisor.send(holder));
    wait_until("the slot is taken", || stage.board.contains_key(&id)).await;
    let mut events = stage.runtime.events();
    let task = RunTask::new("worker", "waits");
    let waiting = task.request.id;
    let (report, ()) = futures_util::join!(stage.run(task), async {
        while !matches!(
            events.recv().await.expect("events come").kind,
            TaskEventKind::Queued { position: 0, .. }
        ) {}
        assert_eq!(stage.counters().await.queued, 1);
        assert!(stage.supervisor.send(CancelTask { task: waiting }).await.expect("the supervisor lives"));
    });
    assert_eq!(report.outcome, Outcome::Cancelled { partial: None });
    assert_eq!((report.attempts.len(), report.timing.queued), (0, report.timing.total));
    let counters = stage.counters().await;
    assert_eq!((counters.running, counters.queued), (1, 0), "the other one still runs");
    assert!(stage.supervisor.send(CancelTask { task: id }).await.expect("the supervisor lives"));
    holding.await.expect("no panic").expect("the supervisor lives").expect("it takes tasks");
    assert_eq!(model.recorded().len(), 1);
}

#[tokio::test]
async fn a_task_is_cancelled_while_it_waits_for_a_permit() {
    let (tasks, permits) = (70, 64);
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime = TestRuntime::start(|builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(at_once(tasks))
    });
    let asked: Vec<RunTask<String>> =
        (0..tasks).map(|n| RunTask::new("worker", format!("task <{n}>"))).collect();
    let ids: Vec<TaskId> = asked.iter().map(|task| task.request.id).collect();
    let mut running: Vec<_> = asked.into_iter().map(|task| runtime.begin(task)).collect();
    let is_full = async || runtime.gates().await.iter().any(|gate| gate.waiting == tasks - permits);
    wait_for("all others wait", is_full).await;
    wait_until("all permits are used", || model.recorded().len() == permits).await;
    let calling = model.recorded();
    let is_calling = |n: usize| {
        let prompt = format!("task <{n}>");
        calling.iter().any(|request| crate::harness::texts_of(request).contains(&prompt))
    };
    let waiting = (0..tasks).find(|n| !is_calling(*n)).expect("some wait");
    let began = Instant::now();
    assert!(runtime.cancel(ids[waiting]).await);
    let report = running.swap_remove(waiting).await.expect("no panic");
    assert_eq!(report.outcome, Outcome::Cancelled { partial: None });
    assert!(began.elapsed() < PROMPTLY && report.attempts.is_empty());
    wait_for("nobody waits in its place", async || runtime.gates().await[0].admitted == permits as u64).await;
    assert_eq!(runtime.cancel_all().await, tasks - 1);
    for report in join_all(running).await {
        assert_eq!(report.expect("no panic").status(), TaskStatus::Cancelled);
    }
}

/// Tells when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn dropping_a_task_future_ends_the_tool_that_runs() {
    let (runs, ended) = (Runs::default(), Arc::new(AtomicBool::new(false)));
    let model = scripted([calling("Never").when(first())]);
    let runtime = TestRuntime::start(|builder| {
        let (runs, ended) = (runs.clone(), Arc::clone(&ended));
        let tool = TestTool::reading("Never", move |_| {
            runs.add();
            let guard = Dropped(Arc::clone(&ended));
            async move {
                let _guard = guard;
                std::future::pending().await
            }
        });
        builder.agents(agents([agent("worker")])).backend(model).tool(tool.shared())
    });
    let running = runtime.begin(RunTask::new("worker", "go"));
    wait_until("the tool runs", || runs.count() == 1).await;
    drop(running);
    wait_until("the tool is dropped", || ended.load(Ordering::SeqCst)).await;
    wait_until("the task has ended", || runtime.board().is_empty()).await;
}

#[tokio::test]
async fn dropping_a_run_of_many_tasks_cancels_them_all_and_keeps_nothing() {
    let model = scripted([Rule::fault(Fault::hang())]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let requests = (0..15).map(|n| RunTask::<String>::new("worker", n.to_string()).request).collect();
    let mut run = Box::pin(runtime.run_all(requests));
    let all_admitted = wait_for("all are admitted", async || runtime.counters().await.admitted == 15);
    tokio::select! {
        _ = &mut run => panic!("no task ends by itself"),
        () = all_admitted => {}
    }
    drop(run);
    wait_until("all have ended", || runtime.board().is_empty()).await;
    let counters = runtime.aggregator().send(Observe::new()).await.expect("the aggregator lives");
    assert_eq!(counters.runs_open, 0);
}

#[actix::test]
async fn the_calls_deadline_beats_the_agents_and_that_beats_the_settings() {
    tokio::time::pause();
    let secs = Duration::from_secs;
    let (mut strict, mut plain) = (agent("strict"), agent("plain"));
    strict.timeout = Some(secs(50));
    plain.timeout = None;
    let mut setup =
        Setup::new(agents([strict, plain]), scripted([hanging_after("a beginning and more", 11)]));
    setup.config = "limits:\n  timeout: 70s\n";
    let stage = OneClock::start(setup);
    for (name, call, expected) in
        [("plain", None, secs(70)), ("strict", None, secs(50)), ("strict", Some(secs(20)), secs(20))]
    {
        let began = Instant::now();
        let mut task = RunTask::new(name, "go");
        task.request.timeout = call;
        let outcome = stage.run(task).await.outcome;
        assert_eq!(outcome, Outcome::TimedOut { after: expected, partial: Some("a beginning".into()) });
        assert!(
            began.elapsed() >= expected && began.elapsed() <= expected + PROMPTLY,
            "{:?}",
            began.elapsed()
        );
    }
}

#[actix::test]
async fn a_deadline_holds_wherever_the_task_is() {
    tokio::time::pause();
    let deadline = Duration::from_secs(10);
    let model = scripted([
        Rule::fault(Fault::panic()).when(once_prompted("crashes")),
        calling("Never").when(first().prompt(Pattern::text("tool"))),
        Rule::fault(Fault::hang()).when(once_prompted("hangs")),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.tools = vec![never("Never").shared()];
    setup.restart_policy.backoff_base = Duration::from_mins(1);
    setup.restart_policy.backoff_max = Duration::from_mins(1);
    let stage = OneClock::start(setup);
    for place in ["crashes", "tool", "hangs"] {
        let began = Instant::now();
        let report = stage.run(RunTask::new("worker", place).timeout(deadline)).await;
        assert_eq!(report.outcome, Outcome::TimedOut { after: deadline, partial: None }, "{place}");
        let took = began.elapsed();
        assert!(took >= deadline && took <= deadline + PROMPTLY, "{place}: {took:?}");
    }
}

#[actix::test]
async fn a_task_may_have_all_the_time_in_the_world() {
    tokio::time::pause();
    let model = scripted([Rule::text("done").with_delays(Duration::from_secs(50), Duration::ZERO)]);
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), model));
    let report = stage.run(RunTask::new("worker", "go").timeout(Duration::MAX)).await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
}

#[actix::test]
async fn a_deadline_counts_from_the_start_of_the_task_and_not_from_its_waiting() {
    tokio::time::pause();
    let slow = Duration::from_secs(40);
    let model = scripted([Rule::text("done").with_delays(slow, Duration::ZERO)]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.overrides = at_once(1);
    let stage = OneClock::start(setup);
    let tasks =
        (0..3).map(|_| stage.run(RunTask::new("worker", "go").timeout(slow + Duration::from_secs(5))));
    for (n, report) in (0u32..).zip(join_all(tasks).await) {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        let queued = report.timing.queued;
        assert!(queued >= slow * n && queued < slow * n + Duration::from_secs(1), "{queued:?}");
    }
}

#[tokio::test]
async fn a_shutdown_waits_for_running_tasks_and_takes_no_new_ones() {
    let model = scripted([Rule::text("done").with_delays(Duration::from_millis(400), Duration::ZERO)]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let running: Vec<_> = (0..12).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    wait_for("all are admitted", async || runtime.counters().await.admitted == 12).await;
    let handle = (*runtime).clone();
    let stopping = handle.clone().shutdown_within(Duration::from_secs(10));
    let late = async {
        let draining = async || handle.run(RunTask::<String>::new("worker", "late")).await.is_err();
        wait_for("new tasks are refused", draining).await;
        handle.run(RunTask::<String>::new("worker", "late")).await.map(|_| ())
    };
    let (report, late) = futures_util::join!(stopping, late);
    assert_eq!(report, ShutdownReport { cancelled: 0, abandoned: 0, blocked_workers: 0 });
    assert_eq!(late, Err(TaskError::ShuttingDown));
    for report in join_all(running).await {
        assert_eq!(report.expect("no panic").outcome, Outcome::Completed("done".into()), "waiting ones too");
    }
    runtime.stopped_already();
}

#[tokio::test]
async fn a_shutdown_cancels_what_does_not_end_and_hands_in_its_partial_text() {
    let model = scripted([hanging_after("the first half and the second half", 14)]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let running: Vec<_> = (0..12).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    wait_until("ten speak", || model.recorded().len() == 10).await;
    wait_for("all are admitted", async || runtime.counters().await.admitted == 12).await;
    let report = (*runtime).clone().shutdown_within(Duration::from_millis(200)).await;
    assert_eq!(report, ShutdownReport { cancelled: 12, abandoned: 0, blocked_workers: 0 });
    for (n, report) in join_all(running).await.into_iter().enumerate() {
        let partial = (n < 10).then(|| "the first half".to_owned());
        assert_eq!(report.expect("no panic").outcome, Outcome::Cancelled { partial });
    }
    runtime.stopped_already();
}
