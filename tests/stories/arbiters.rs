//! Arbiters that die or block: their agents move, and what had begun is neither repeated nor forgotten.

use std::time::Duration;

use codex_task::{Outcome, RetireWorker, RunTask, TaskStatus};
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::{Pattern, Rule};
use codex_task_providers::{Message, UserPart};
use codex_task_tools::Access;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::harness::{
    Runs, TestRuntime, TestTool, agent, agents, allow_everything, calling, counting, first, once_prompted,
    result_of, scripted, then, wait_for, wait_until,
};

#[tokio::test]
async fn a_tool_call_that_had_begun_is_not_made_again_and_the_model_is_told_that_its_outcome_is_unknown() {
    let (changes, looks) = (Runs::default(), Runs::default());
    let model = scripted([
        calling("Change").when(first()),
        Rule::text("I will look first").when(result_of("its outcome is unknown")),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let (changes, looks) = (changes.clone(), looks.clone());
        let hanging = TestTool::changing("Change", move |_| {
            changes.add();
            std::future::pending()
        });
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).workers(1);
        builder.tool(hanging.shared()).tool(counting("Look", &looks).shared()).overrides(allow_everything())
    });
    let task = runtime.run(RunTask::<String>::new("worker", "change it"));
    wait_until("the tool runs", || changes.count() == 1).await;
    assert!(runtime.supervisor().send(RetireWorker { index: 0 }).await.expect("the supervisor lives"));
    let report = task.await.expect("the runtime runs");
    assert_eq!(report.outcome, Outcome::Completed("I will look first".into()));
    assert_eq!((changes.count(), report.turns, report.restarts), (1, 2, 0));
    let requests = model.recorded();
    let Some(Message::User(answers)) = requests[1].messages.last().map(AsRef::as_ref) else {
        panic!("the second request ends with the results")
    };
    assert!(matches!(&answers.parts[..], [UserPart::ToolResult(result)] if result.is_error));
    let counters = runtime.counters().await;
    assert_eq!((counters.moved, counters.restarted), (1, 0), "a lost Arbiter is nobody's fault");
}

#[tokio::test]
async fn a_read_that_was_interrupted_is_simply_made_again() {
    let runs = Runs::default();
    let model = scripted([calling("Look").when(first()), Rule::text("seen").when(then("Look"))]);
    let runtime = TestRuntime::start(|builder| {
        let runs = runs.clone();
        let look = TestTool::reading("Look", move |_| {
            let is_first = runs.add() == 0;
            async move { if is_first { std::future::pending().await } else { Ok("it is there".to_owned()) } }
        });
        builder.agents(agents([agent("worker")])).backend(model.clone()).workers(1).tool(look.shared())
    });
    let task = runtime.run(RunTask::<String>::new("worker", "look"));
    wait_until("the tool runs", || runs.count() == 1).await;
    runtime.supervisor().send(RetireWorker { index: 0 }).await.expect("the supervisor lives");
    assert_eq!(task.await.expect("the runtime runs").outcome, Outcome::Completed("seen".into()));
    assert_eq!((runs.count(), model.recorded().len()), (2, 2));
}

#[tokio::test]
async fn the_death_of_an_arbiter_moves_its_agents_and_repeats_no_completed_turn() {
    const TASKS: usize = 20;
    let runs = Runs::default();
    let model = scripted([
        calling("Change").when(first()),
        Rule::text("done").when(then("Change")).with_delays(Duration::from_millis(300), Duration::ZERO),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let overrides = SettingsOverrides { max_concurrent: Some(TASKS), ..allow_everything() };
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(overrides);
        builder.tool(counting("Change", &runs).shared())
    });
    let tasks: Vec<_> = (0..TASKS).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    wait_until("all are in their second turn", || model.recorded().len() == 2 * TASKS).await;
    assert!(runtime.supervisor().send(RetireWorker { index: 0 }).await.expect("the supervisor lives"));
    for report in join_all(tasks).await {
        let report = report.expect("no panic");
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        assert_eq!((report.turns, report.tool_calls, report.restarts), (2, 1, 0));
    }
    assert_eq!(runs.count(), TASKS, "no completed tool call is made again");
    let counters = runtime.counters().await;
    assert_eq!(
        (counters.moved, counters.restarted),
        (TASKS as u64 / 2, 0),
        "only the dead Arbiter's agents move"
    );
    assert!(!runtime.supervisor().send(RetireWorker { index: 9 }).await.expect("the supervisor lives"));
}

/// A tool whose question what it would touch blocks the Arbiter, once.
fn blocking(time: Duration, runs: &Runs) -> TestTool {
    let runs = runs.clone();
    let quick = TestTool::changing("Block", |_| async { Ok("at last".to_owned()) });
    quick.touching(move |_, _| {
        if runs.add() == 0 {
            #[expect(clippy::disallowed_methods, reason = "blocking the Arbiter is the point")]
            std::thread::sleep(time);
        }
        Access::Nothing
    })
}

#[tokio::test]
async fn a_task_on_a_blocked_arbiter_is_given_up_soon_after_its_deadline_and_its_late_end_is_ignored() {
    let blocked = Runs::default();
    let model = scripted([calling("Block").when(first().prompt(Pattern::text("block"))), Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
        builder.tool(blocking(Duration::from_millis(2_800), &blocked).shared())
    });
    let deadline = Duration::from_millis(200);
    let began = Instant::now();
    let report = runtime.run(RunTask::<String>::new("worker", "block").timeout(deadline)).await;
    let report = report.expect("the runtime runs");
    assert_eq!(report.outcome, Outcome::TimedOut { after: deadline, partial: None });
    assert!(began.elapsed() < deadline + Duration::from_secs(2), "{:?}", began.elapsed());
    let counters = runtime.counters().await;
    assert_eq!((counters.given_up, counters.stale, counters.running), (1, 0, 0));
    // The blocked Arbiter has the fewest agents now, and is no place for new ones all the same.
    let began = Instant::now();
    for report in join_all((0..4).map(|n| runtime.ask("worker", ["a", "b", "c", "d"][n]))).await {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
    }
    assert!(began.elapsed() < Duration::from_millis(700), "{:?}", began.elapsed());
    wait_for("the blocked agent has ended too", async || runtime.counters().await.stale > 0).await;
    assert_eq!(runtime.counters().await.running, 0);
}

#[tokio::test]
async fn a_cancelled_task_on_a_blocked_arbiter_is_answered_within_two_seconds_and_the_thread_is_reported() {
    let blocked = Runs::default();
    let model = scripted([calling("Block").when(first()), Rule::text("done")]);
    let mut runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
        builder.tool(blocking(Duration::from_millis(4_500), &blocked).shared())
    });
    let task = RunTask::new("worker", "block");
    let id = task.request.id;
    let running = runtime.begin(task);
    wait_until("the Arbiter is blocked", || blocked.count() == 1).await;
    let began = Instant::now();
    assert!(runtime.cancel(id).await);
    assert_eq!(running.await.expect("no panic").status(), TaskStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    runtime.expect_blocked_workers(1);
}

#[tokio::test]
async fn the_neighbours_of_a_blocked_agent_go_on_elsewhere() {
    let blocked = Runs::default();
    let model = scripted([
        calling("Block").when(first().prompt(Pattern::text("block"))),
        Rule::text("done").with_delays(Duration::from_millis(300), Duration::ZERO),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).workers(1);
        builder.tool(blocking(Duration::from_millis(6_500), &blocked).shared())
    });
    let neighbours: Vec<_> = (0..3).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    let blocker = runtime.begin(RunTask::new("worker", "block"));
    let began = Instant::now();
    for report in join_all(neighbours).await {
        assert_eq!(report.expect("no panic").outcome, Outcome::Completed("done".into()));
    }
    assert_eq!(blocker.await.expect("no panic").outcome, Outcome::Completed("done".into()));
    assert!(began.elapsed() < Duration::from_millis(6_300), "{:?}", began.elapsed());
    assert_eq!(runtime.counters().await.moved, 4);
}
