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
    Runs, TestRuntime, TestTool, agent, agents, allow_everything, calling, counting, first, result_of,
    scripted, then, wait_for, wait_until,
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

#[tokio::test]
async fn tasks_that_come_while_one_arbiter_after_the_other_dies_lose_nothing() {
    const TASKS: usize = 120;
    let runs = Runs::default();
    let model = scripted([
        calling("Change").when(first()).with_delays(Duration::from_millis(4), Duration::ZERO),
        Rule::text("done").when(then("Change")).with_delays(Duration::from_millis(4), Duration::ZERO),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let builder =
            builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(allow_everything());
        builder.tool(counting("Change", &runs).shared())
    });
    let tasks: Vec<_> = (0..TASKS).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    for round in 1..=8 {
        wait_until("some more calls are made", || model.recorded().len() >= round * 20).await;
        for index in [0, 1] {
            runtime.supervisor().send(RetireWorker { index }).await.expect("the supervisor lives");
        }
    }
    for report in join_all(tasks).await {
        let report = report.expect("no panic");
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        assert_eq!((report.turns, report.tool_calls, report.restarts), (2, 1, 0));
    }
    assert!(runs.count() <= TASKS, "no call is made twice, at worst one was not made");
    // Ten tasks run at once: a dead Arbiter that got its agents again and again would move far more.
    let counters = runtime.counters().await;
    assert!(counters.moved <= 8 * 2 * 10, "{counters:?}");
}

/// A tool whose question what it would touch blocks the Arbiter, once; with how often that was asked, and how often it
/// ran.
fn blocking(time: Duration, asked: &Runs, runs: &Runs) -> TestTool {
    let asked = asked.clone();
    counting("Block", runs).touching(move |_, session| {
        if asked.add() == 0 {
            #[expect(clippy::disallowed_methods, reason = "blocking the Arbiter is the point")]
            std::thread::sleep(time);
        }
        Access::Write(session.cwd.join("changed"))
    })
}

#[tokio::test]
async fn a_task_on_a_blocked_arbiter_is_given_up_soon_after_its_deadline_and_its_late_end_is_ignored() {
    let (blocked, runs) = (Runs::default(), Runs::default());
    let model = scripted([calling("Block").when(first().prompt(Pattern::text("block"))), Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        let builder =
            builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(allow_everything());
        builder.tool(blocking(Duration::from_millis(2_800), &blocked, &runs).shared())
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
    assert_eq!((runtime.counters().await.running, runs.count()), (0, 0), "nothing is done after the end");
}

#[tokio::test]
async fn a_cancelled_task_on_a_blocked_arbiter_is_answered_within_two_seconds_and_the_thread_is_reported() {
    let (blocked, runs) = (Runs::default(), Runs::default());
    let model = scripted([calling("Block").when(first()), Rule::text("done")]);
    let mut runtime = TestRuntime::start(|builder| {
        let builder =
            builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(allow_everything());
        builder.tool(blocking(Duration::from_millis(4_500), &blocked, &runs).shared())
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
async fn a_blocked_agent_and_its_neighbours_go_on_elsewhere_and_what_wakes_up_later_does_nothing() {
    let (blocked, runs) = (Runs::default(), Runs::default());
    let model = scripted([
        calling("Block").when(first().prompt(Pattern::text("block"))),
        Rule::text("done").with_delays(Duration::from_millis(300), Duration::ZERO),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let builder = builder
            .agents(agents([agent("worker")]))
            .backend(model.clone())
            .workers(1)
            .overrides(allow_everything());
        builder.tool(blocking(Duration::from_millis(6_500), &blocked, &runs).shared())
    });
    let neighbours: Vec<_> = (0..3).map(|n| runtime.begin(RunTask::new("worker", n.to_string()))).collect();
    let culprit = runtime.begin(RunTask::new("worker", "block"));
    let began = Instant::now();
    for report in join_all(neighbours).await {
        assert_eq!(report.expect("no panic").outcome, Outcome::Completed("done".into()));
    }
    assert_eq!(culprit.await.expect("no panic").outcome, Outcome::Completed("done".into()));
    assert!(began.elapsed() < Duration::from_millis(6_300), "{:?}", began.elapsed());
    assert_eq!((runtime.counters().await.moved, runs.count()), (4, 1));
    wait_for("the blocked agent has woken up", async || runtime.counters().await.stale > 0).await;
    assert_eq!(runs.count(), 1, "its successor has made the call already");
}
