//! Clocks that are set, and processes that stand still for a while.

use std::sync::Arc;
use std::time::Duration;

use actix::System;
use codex_task::audit::verify;
use codex_task::store::RecordState;
use codex_task::{Outcome, RunTask, TaskStatus, TaskTiming};
use codex_task_actors::Dice;
use codex_task_config::WallClock;
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault as ModelFault, Rule};
use codex_task_tests::{ErrorBody, Fault, FaultServer, Format, Turn};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::audit::{audited, lines, place, project};
use super::trail;
use crate::harness::{
    OneClock, Runs, Setup, TestRuntime, TestTool, agent, agent_on, agents, allow_everything, calling, first,
    in_child, once_prompted, project_at, scripted, then, wait_until,
};

/// A moment as HTTP writes it.
fn http_date(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn fault_37_an_hour_between_the_servers_clock_and_ours_makes_no_hint_longer_or_shorter() {
    for hours in [-1, 1] {
        let server = FaultServer::start(Format::Anthropic, move |call| match call.nth {
            0 => {
                let now = WallClock::now() + hours.hours();
                let hint = http_date(now + 2.seconds());
                let headers = vec![("date", http_date(now)), ("retry-after", hint)];
                Turn::default().with(Fault::Status { code: 429, headers, body: ErrorBody::Vendor })
            }
            _ => Turn::text("done"),
        });
        let known = agents([agent_on("worker", "skewed", Format::Anthropic)]);
        let project = project_at([("skewed", Format::Anthropic, server.base_url())], "");
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
        let began = Instant::now();
        let report = runtime.ask("worker", "go").await;
        assert_eq!(trail(&report), [("skewed", Some("rate_limited")), ("skewed", None)]);
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(4), "{hours} h: {waited:?}");
    }
}

/// Stops the process for longer than a worker may be silent, while commands run in it and models are waited for.
#[cfg(target_os = "linux")]
#[test]
fn fault_37_a_process_that_is_stopped_for_a_while_goes_on_where_it_was() {
    const STOPPED: &str = "sleep 0.5; kill -STOP $PPID; sleep 6; kill -CONT $PPID";
    let name = "faults::clocks::fault_37_a_process_that_is_stopped_for_a_while_goes_on_where_it_was";
    let story = || {
        let mut stopper = std::process::Command::new("sh").args(["-c", STOPPED]).spawn().expect("a shell");
        let runtime = tokio::runtime::Runtime::new().expect("tokio");
        runtime.block_on(async {
            let model = scripted([
                Rule::call("Bash", &json!({"command": "sleep 2; echo slept"})).when(first()),
                Rule::text("done").when(then("Bash")),
            ]);
            let known = agents([agent("worker")]);
            let runtime = TestRuntime::start(|builder| {
                builder.agents(known).backend(model).overrides(allow_everything())
            });
            let tasks: Vec<_> = (0..8).map(|_| runtime.begin(RunTask::new("worker", "go"))).collect();
            for task in tasks {
                let report = task.await.expect("no panic");
                assert_eq!(report.outcome, Outcome::Completed("done".into()));
                assert_eq!((report.attempts.len(), report.restarts), (2, 0), "nothing was tried again");
            }
            let counters = runtime.counters().await;
            assert_eq!((counters.moved, counters.given_up), (0, 0), "no worker was taken for blocked");
        });
        stopper.wait().expect("it has ended");
    };
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}

/// Runs a story in a process of its own, whose clock on the wall it may set, with all actors on one paused clock.
fn on_a_clock_of_its_own(name: &str, story: impl Future<Output = ()>) {
    let paused = || Builder::new_current_thread().enable_all().start_paused(true).build();
    let story = || System::with_tokio_rt(|| paused().expect("a runtime")).block_on(story);
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}

/// What becomes, and when, of tasks that wait for a provider, for a tool, and in vain, while the clock is set twice.
async fn waiting_while_the_clock_is_set(hours: i64) -> Vec<(Outcome, TaskTiming)> {
    let throttled = ProviderError::RateLimited {
        retry_after: Some(Duration::from_secs(10)),
        detail: "not so fast".to_owned(),
    };
    let model = scripted([
        Rule::error(throttled).when(once_prompted("wait")).times(1),
        Rule::text("never").with_fault(ModelFault::hang()).when(once_prompted("hang")),
        calling("Dawdle").when(once_prompted("work").turn(1)),
        Rule::text("done"),
    ]);
    let dawdle = TestTool::reading("Dawdle", |_| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        Ok("at last".to_owned())
    });
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.tools = vec![dawdle.shared()];
    setup.dice = Dice::seeded(37);
    let stage = OneClock::start(setup);
    let asked = ["wait", "hang", "work"]
        .map(|prompt| stage.run(RunTask::new("worker", prompt).timeout(Duration::from_secs(30))));
    let set = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = WallClock::now();
        WallClock::set_forward(SignedDuration::from_hours(hours));
        let moved = WallClock::now().duration_since(before) - SignedDuration::from_hours(hours);
        assert!(moved.abs() < SignedDuration::from_mins(1), "{moved:?}");
        tokio::time::sleep(Duration::from_secs(10)).await;
        WallClock::set_forward(SignedDuration::from_hours(-2 * hours));
    };
    let (reports, ()) = futures_util::join!(join_all(asked), set);
    WallClock::set_forward(SignedDuration::from_hours(hours));
    reports.into_iter().map(|report| (report.outcome, report.timing)).collect()
}

#[test]
fn fault_37_a_clock_that_is_set_moves_no_deadline_and_no_wait() {
    let name = "faults::clocks::fault_37_a_clock_that_is_set_moves_no_deadline_and_no_wait";
    on_a_clock_of_its_own(name, async {
        let undisturbed = waiting_while_the_clock_is_set(0).await;
        let done = || Outcome::Completed("done".to_owned());
        let late = Outcome::TimedOut { after: Duration::from_secs(30), partial: None };
        let outcomes: Vec<_> = undisturbed.iter().map(|(outcome, _)| outcome.clone()).collect();
        assert_eq!(outcomes, [done(), late, done()]);
        let took: Vec<u64> = undisturbed.iter().map(|(_, timing)| timing.total.as_secs()).collect();
        assert_eq!(took, [10, 30, 20]);
        for hours in [1, -1, 24 * 365] {
            assert_eq!(waiting_while_the_clock_is_set(hours).await, undisturbed, "{hours} h");
        }
    });
}

#[test]
fn fault_37_a_task_whose_clock_is_set_stays_its_process_own_and_its_records_whole() {
    let name =
        "faults::clocks::fault_37_a_task_whose_clock_is_set_stays_its_process_own_and_its_records_whole";
    let story = || {
        let tokio = tokio::runtime::Runtime::new().expect("tokio");
        tokio.block_on(async {
            let (gate, runs) = (Arc::new(Semaphore::new(0)), Runs::default());
            let (open, begun) = (Arc::clone(&gate), runs.clone());
            let hold = TestTool::changing("Hold", move |_| {
                begun.add();
                let open = Arc::clone(&open);
                async move { open.acquire().await.map(|_| "held".to_owned()).map_err(|_| unreachable!()) }
            });
            let model = scripted([calling("Hold").when(first()), Rule::text("done").when(then("Hold"))]);
            let runtime = audited(project(), &model, [hold.shared()]);
            let task = RunTask::<String>::new("worker", "go");
            let run = task.request.run;
            let running = runtime.begin(task);
            wait_until("the tool runs", || runs.count() == 1).await;
            let recorder = Arc::clone(runtime.recorder().expect("it records"));
            for hours in [1, -2, 1] {
                WallClock::set_forward(SignedDuration::from_hours(hours));
                recorder.flush().await;
                let claim = recorder.claim(run).expect("the run is known");
                assert_eq!((claim.images.len(), claim.running), (0, 1), "{hours} h: nobody takes it over");
            }
            WallClock::set_forward(SignedDuration::from_hours(-1));
            gate.add_permits(1);
            let report = running.await.expect("no panic");
            assert_eq!((report.outcome, runs.count()), (Outcome::Completed("done".into()), 1));
            assert!(report.timing.total < Duration::from_mins(1), "{:?}", report.timing);
            recorder.flush().await;
            let record = recorder.records().run(run).expect("it is read").expect("it is there");
            assert_eq!(record.state, RecordState::Ended(TaskStatus::Completed));
            assert!(lines(&runtime).await.len() > 4);
            let verified = verify(&place(&runtime.project), &[]).expect("it can be read");
            assert!(verified.sessions.iter().all(|session| session.fault.is_none()), "{verified:?}");
        });
    };
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}
