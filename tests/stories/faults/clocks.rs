//! Clocks that are set, and processes that stand still for a while.

use std::time::Duration;

use codex_task::{Outcome, RunTask};
use codex_task_providers::scripted::Rule;
use codex_task_tests::{ErrorBody, Fault, FaultServer, Format, Turn};
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use tokio::time::Instant;

use super::trail;
use crate::harness::{
    TestRuntime, agent, agent_on, agents, allow_everything, first, in_child, project_at, scripted, then,
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
                let now = Timestamp::now() + hours.hours();
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
