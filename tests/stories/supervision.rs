//! Agents that die: they come back where they were, nobody else notices, and the end is always told.

use std::time::Duration;

use actix::prelude::SendError;
use codex_task::{
    AggregatorCounters, Fail, FailProvider, HealthState, Observe, Outcome, RestartPolicy, RunReport, RunTask,
    TaskError, TaskEventKind, TaskStatus,
};
use codex_task_actors::AskHealth;
use codex_task_config::{ProviderName, SettingsOverrides, TokenUsage};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Rule, ScriptedCall};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    OneClock, Runs, Setup, TestRuntime, TestTool, agent, agents, allow_everything, calling, counting, first,
    once_prompted, result_of, scripted, then, wait_for,
};

fn quick_restarts() -> RestartPolicy {
    RestartPolicy { backoff_base: Duration::from_millis(1), ..RestartPolicy::default() }
}

fn panics() -> Rule {
    Rule::fault(Fault::panic())
}

fn used(input_tokens: u64, output_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() }
}

#[tokio::test]
async fn a_panicking_subagent_restarts_from_its_checkpoint_and_pays_no_turn_twice() {
    let runs = Runs::default();
    let model = scripted([
        calling("Change").when(first()).with_usage(used(100, 10)),
        panics().when(then("Change")).times(1),
        Rule::text("all done").when(then("Change")).with_usage(used(200, 20)),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
        builder.tool(counting("Change", &runs).shared()).overrides(allow_everything())
    });
    let mut events = runtime.events();
    let report = runtime.ask("worker", "change it").await;
    assert_eq!(report.outcome, Outcome::Completed("all done".into()));
    assert_eq!((report.restarts, report.turns, report.tool_calls), (1, 2, 1));
    assert_eq!(report.usage, used(300, 30));
    assert_eq!(runs.count(), 1, "the completed tool call is not made again");
    assert!(report.notes.contains(&"restarted after a crash: the scenario asks for a panic".to_owned()));
    let conversations: Vec<usize> = model.recorded().iter().map(|request| request.messages.len()).collect();
    assert_eq!(conversations, [1, 3, 3], "the second turn is asked for again, the first is not");
    let mut restarts = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let TaskEventKind::Restarted { restarts: nth, cause } = &event.kind {
            restarts.push((*nth, cause.clone()));
        }
    }
    assert_eq!(restarts, [(1, "the scenario asks for a panic".to_owned())]);
}

#[tokio::test]
async fn the_siblings_of_a_panicking_agent_are_untouched() {
    let slow = Duration::from_millis(40);
    let model = scripted([
        panics().when(once_prompted("the bad one")).times(2),
        Rule::text("fine").with_delays(slow, Duration::ZERO),
    ]);
    let runtime = TestRuntime::start(|builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).restart_policy(quick_restarts())
    });
    let prompts = (0..7).map(|n| if n == 3 { "the bad one".to_owned() } else { format!("good {n}") });
    let asked: Vec<String> = prompts.collect();
    let reports = join_all(asked.iter().map(|prompt| runtime.ask("worker", prompt))).await;
    for (n, report) in reports.iter().enumerate() {
        assert_eq!(report.outcome, Outcome::Completed("fine".into()));
        assert_eq!(report.restarts, if n == 3 { 2 } else { 0 });
        assert_eq!(report.attempts.len(), 1, "each sibling called the model once");
    }
    assert_eq!(model.recorded().len(), 7 + 2);
}

#[actix::test]
async fn the_restart_budget_ends_in_crashed_with_the_panics_words_and_the_partial_text() {
    tokio::time::pause();
    let runs = Runs::default();
    let model = scripted([
        Rule::text("so far so good").and_call(ScriptedCall::new("Change", &json!({}))).when(first()),
        panics().when(then("Change")),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools = vec![counting("Change", &runs).shared()];
    setup.overrides = allow_everything();
    let stage = OneClock::start(setup);
    let report = stage.ask("worker", "change it").await;
    let Outcome::Crashed { restarts, cause, partial } = report.outcome else {
        panic!("crashed, not {:?}", report.outcome)
    };
    assert_eq!((restarts, cause.as_str()), (3, "the scenario asks for a panic"));
    assert_eq!(partial.as_deref(), Some("so far so good"));
    assert_eq!((report.turns, report.tool_calls, runs.count()), (1, 1, 1));
    assert_eq!(model.recorded().len(), 1 + 4);
}

#[actix::test]
async fn waits_between_restarts_double_and_stay_below_their_cap() {
    tokio::time::pause();
    let (base, most) = (Duration::from_secs(2), Duration::from_secs(9));
    let mut setup = Setup::new(agents([agent("worker")]), scripted([panics()]));
    setup.restart_policy = RestartPolicy {
        restarts_max: 5,
        window: Duration::from_hours(1),
        backoff_base: base,
        backoff_max: most,
    };
    let stage = OneClock::start(setup);
    let mut events = stage.runtime.events();
    let watching = tokio::task::spawn_local(async move {
        let (mut died, mut waits) = (None, Vec::new());
        while let Ok(event) = events.recv().await {
            match &event.kind {
                TaskEventKind::Restarted { .. } => died = Some(Instant::now()),
                TaskEventKind::TurnStarted { .. } => waits.extend(died.take().map(|at| at.elapsed())),
                TaskEventKind::Finished(_) => break,
                _ => {}
            }
        }
        waits
    });
    let report = stage.ask("worker", "never mind").await;
    assert_eq!(report.status(), TaskStatus::Crashed);
    let waits = watching.await.expect("the watcher does not panic");
    let caps = [base, base * 2, base * 4, most, most];
    assert_eq!(waits.len(), caps.len());
    for (wait, cap) in waits.iter().zip(caps) {
        // Between a half and the whole, and the clock counts in milliseconds.
        assert!(*wait >= cap / 2 && *wait <= cap + Duration::from_millis(2), "{waits:?}");
    }
}

/// How an agent's incarnation ends.
#[derive(Clone, Copy, Debug)]
enum Exit {
    Finishes,
    FailsForGood,
    PanicsOnce,
    PanicsAlways,
    OutlivesItsTime,
}

#[actix::test]
async fn every_way_to_end_under_every_policy_is_told_as_it_was() {
    use TaskStatus::{Completed, Crashed, Failed, TimedOut};
    tokio::time::pause();
    let policies = [0, 1, 3];
    let expected = [
        (Exit::Finishes, [(Completed, 0), (Completed, 0), (Completed, 0)]),
        (Exit::FailsForGood, [(Failed, 0), (Failed, 0), (Failed, 0)]),
        (Exit::PanicsOnce, [(Crashed, 0), (Completed, 1), (Completed, 1)]),
        (Exit::PanicsAlways, [(Crashed, 0), (Crashed, 1), (Crashed, 3)]),
        (Exit::OutlivesItsTime, [(TimedOut, 0), (TimedOut, 0), (TimedOut, 0)]),
    ];
    for (exit, endings) in expected {
        for (restarts_max, (status, restarts)) in policies.into_iter().zip(endings) {
            let error = ProviderError::InvalidRequest { status: 400, detail: "no".into() };
            let rules = match exit {
                Exit::Finishes => vec![],
                Exit::FailsForGood => vec![Rule::error(error)],
                Exit::PanicsOnce => vec![panics().times(1)],
                Exit::PanicsAlways => vec![panics()],
                Exit::OutlivesItsTime => vec![Rule::fault(Fault::hang())],
            };
            let rules = rules.into_iter().chain([Rule::text("done")]);
            let mut setup = Setup::new(agents([agent("worker")]), scripted(rules));
            setup.restart_policy = RestartPolicy { restarts_max, ..RestartPolicy::default() };
            let stage = OneClock::start(setup);
            let task = RunTask::new("worker", "end somehow").timeout(Duration::from_secs(30));
            let report = stage.run(task).await;
            assert_eq!((report.status(), report.restarts), (status, restarts), "{exit:?}, {restarts_max}");
            assert!(stage.board.is_empty());
            let counters = stage.counters().await;
            assert_eq!((counters.running, counters.queued, counters.restarted), (0, 0, u64::from(restarts)));
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_tool_is_an_error_that_the_model_reads() {
    let model = scripted([
        calling("Burst").when(first()),
        Rule::text("it broke").when(result_of("Burst failed by a fault of its own")),
    ]);
    let runtime = TestRuntime::start(|builder| {
        let burst = TestTool::reading("Burst", |_| async { panic!("words that nobody needs to read") });
        builder.agents(agents([agent("worker")])).backend(model.clone()).tool(burst.shared())
    });
    let report = runtime.ask("worker", "burst").await;
    assert_eq!(report.outcome, Outcome::Completed("it broke".into()));
    assert_eq!((report.restarts, report.tool_calls), (0, 1));
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_stream_restarts_the_turn() {
    let model = scripted([
        Rule::text("the first half and the second half").with_fault(Fault::panic().after_bytes(14)).times(1),
        Rule::text("the whole"),
    ]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let report = runtime.ask("worker", "speak").await;
    assert_eq!(report.outcome, Outcome::Completed("the whole".into()));
    assert_eq!((report.restarts, report.turns), (1, 1));
}

#[tokio::test]
async fn a_storm_of_200_panics_among_400_tasks_costs_nobody_a_result() {
    let bad = |n: usize| format!("task {n} of 400, a bad one");
    let rules = (0..400).step_by(2).map(|n| panics().when(once_prompted(&bad(n))).times(1));
    let model = scripted(rules.chain([Rule::text("done")]));
    let runtime = TestRuntime::start(|builder| {
        let overrides = SettingsOverrides { max_concurrent: Some(400), ..SettingsOverrides::default() };
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(overrides);
        builder.restart_policy(quick_restarts())
    });
    let prompts = (0..400).map(|n| if n % 2 == 0 { bad(n) } else { format!("task {n} of 400, a good one") });
    let tasks: Vec<_> = prompts.map(|prompt| runtime.run(RunTask::<String>::new("worker", prompt))).collect();
    for (n, report) in join_all(tasks).await.into_iter().enumerate() {
        let report = report.expect("the runtime runs");
        assert_eq!(report.outcome, Outcome::Completed("done".into()), "task {n}");
        assert_eq!(report.restarts, u32::from(n % 2 == 0), "task {n}");
    }
    let counters = runtime.counters().await;
    assert_eq!((counters.restarted, counters.admitted, counters.stale), (200, 400, 0));
}

#[actix::test]
async fn a_provider_actor_that_dies_is_started_again_and_its_callers_try_again() {
    tokio::time::pause();
    let slowly = Rule::text("done").with_delays(Duration::from_secs(30), Duration::ZERO);
    let model = scripted([slowly]);
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), model.clone()));
    let running = stage.ask("worker", "the first");
    let dying = async {
        wait_for("the model is asked", async || model.recorded().len() == 1).await;
        assert!(stage.supervisor.send(fail()).await.expect("the supervisor lives"));
        stage.ask("worker", "the second").await
    };
    let (first, second) = futures_util::join!(running, dying);
    for report in [first, second] {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
    }
    let counters = stage.counters().await;
    assert_eq!((counters.gates_restarted, counters.gates_given_up), (1, 0));
}

#[actix::test]
async fn a_provider_actor_that_dies_again_and_again_is_given_up_and_said_so_without_a_busy_loop() {
    tokio::time::pause();
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), scripted([Rule::text("done")])));
    assert_eq!(stage.ask("worker", "go").await.status(), TaskStatus::Completed);
    for deaths in 1..=4 {
        stage.supervisor.send(fail()).await.expect("the supervisor lives");
        wait_for("the death is noticed", async || {
            let counters = stage.counters().await;
            counters.gates_restarted + counters.gates_given_up == deaths
        })
        .await;
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    let counters = stage.counters().await;
    assert_eq!((counters.gates_restarted, counters.gates_given_up), (3, 1));
    let report = stage.ask("worker", "and now?").await;
    let Outcome::Failed { error: TaskError::AllRoutesFailed { attempts }, .. } = report.outcome else {
        panic!("its calls fail, not {:?}", report.outcome)
    };
    assert_eq!(attempts.len(), 3, "as many attempts as for any provider that is down");
    let text = attempts[0].error.as_ref().expect("it failed").to_string();
    assert!(text.contains("the actor that admits its calls has died"), "{text}");
}

fn fail() -> FailProvider {
    FailProvider { provider: ProviderName::new("scripted") }
}

#[tokio::test]
async fn a_run_whose_aggregator_dies_loses_no_ending_and_the_next_one_is_collected_as_ever() {
    let model = scripted([Rule::text("done").with_delays(Duration::from_millis(100), Duration::ZERO)]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let tasks = || ["a", "b", "c"].map(|prompt| RunTask::<String>::new("worker", prompt).request).to_vec();
    let dying = async {
        wait_for("all tasks are under way", async || model.recorded().len() == 3).await;
        let dying = runtime.aggregator();
        dying.try_send(Fail).expect("there is room");
        // Those that it has not read when it dies, or that find it dead, change nothing.
        for _ in 0..4 {
            let sent = dying.try_send(Fail);
            assert!(matches!(sent, Ok(()) | Err(SendError::Closed(_))), "there is room: {sent:?}");
        }
    };
    let (report, ()) = futures_util::join!(runtime.run_all(tasks()), dying);
    let completed =
        |report: RunReport| report.tasks.iter().all(|task| task.status() == TaskStatus::Completed);
    assert!(completed(report.expect("the supervisor has the reports")));
    wait_for("there is another one", async || runtime.counters().await.aggregators_restarted == 1).await;
    assert!(completed(runtime.run_all(tasks()).await.expect("it runs")));
    let seen = runtime.aggregator().send(Observe::<AggregatorCounters>::new()).await.expect("it lives");
    assert_eq!((seen.ended, seen.completed, seen.runs_open), (3, 3, 0));
}

#[actix::test]
async fn an_aggregator_that_dies_again_and_again_is_given_up_and_said_so_and_tasks_go_on() {
    tokio::time::pause();
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), scripted([Rule::text("done")])));
    for _ in 0..4 {
        stage.runtime.aggregator().try_send(Fail).expect("there is room");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let counters = stage.counters().await;
    assert_eq!((counters.aggregators_restarted, counters.aggregators_given_up), (3, 1));
    assert_eq!(stage.ask("worker", "go").await.status(), TaskStatus::Completed);
}

/// Tells when it is dropped.
struct Dropped(Runs);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add();
    }
}

#[tokio::test]
async fn when_the_supervisor_itself_dies_each_caller_is_told_and_no_agent_works_on() {
    let (begun, ended) = (Runs::default(), Runs::default());
    let model = scripted([calling("Wait").when(first()), Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        let (begun, ended) = (begun.clone(), ended.clone());
        let wait = TestTool::changing("Wait", move |_| {
            begun.add();
            let dropped = Dropped(ended.clone());
            async move {
                let _dropped = dropped;
                std::future::pending().await
            }
        });
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
        builder.tool(wait.shared()).overrides(allow_everything())
    });
    let task = runtime.run(RunTask::<String>::new("worker", "wait"));
    wait_for("the tool runs", async || begun.count() == 1).await;
    runtime.supervisor().try_send(Fail).expect("there is room");
    assert_eq!(task.await.err(), Some(TaskError::RuntimeDown));
    wait_for("the tool is stopped", async || ended.count() == 1).await;
    assert!(runtime.board().is_empty());
    let late = runtime.run(RunTask::<String>::new("worker", "too late")).await;
    assert_eq!(late.err(), Some(TaskError::RuntimeDown));
    assert_eq!(model.recorded().len(), 1, "nobody asks the model what comes next");
    let handle = (*runtime).clone();
    drop(runtime.stopped_already());
    let left = handle.shutdown().await;
    assert_eq!((left.abandoned, left.blocked_workers), (0, 0));
}

#[actix::test]
async fn a_provider_without_its_actor_is_shown_as_down() {
    tokio::time::pause();
    let mut setup = Setup::new(agents([agent("worker")]), scripted([Rule::text("done")]));
    setup.restart_policy = RestartPolicy { restarts_max: 0, ..RestartPolicy::default() };
    let stage = OneClock::start(setup);
    stage.ask("worker", "go").await;
    stage.supervisor.send(fail()).await.expect("the supervisor lives");
    wait_for("it is given up", async || stage.counters().await.gates_given_up == 1).await;
    let health = stage.supervisor.send(AskHealth).await.expect("the supervisor lives");
    assert_eq!(health.len(), 1);
    assert_eq!((health[0].state, health[0].free), (HealthState::Down, 0));
}
