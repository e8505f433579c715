//! What runs and tasks may take: reserved before each request, so that agents side by side cannot overshoot together.

use std::sync::Arc;
use std::time::Duration;

use codex_task::store::{Recorder, Records};
use codex_task::{
    BudgetLimits, Lineage, MicroUsd, Outcome, RunId, RunTask, TaskError, TaskReport, TaskStatus,
};
use codex_task_config::{ModelChoice, SettingsOverrides, TokenUsage, ToolPattern, ToolSelection};
use codex_task_providers::scripted::{Fault, Rule};
use codex_task_tests::{Format, Mock, Reply};
use futures_util::future::join_all;

use crate::harness::{
    OneClock, Setup, TestProject, TestRuntime, agent, agent_on, agents, allow_everything, calling, first,
    once_prompted, project_on, scripted, then, wait_for,
};

fn tokens(most: u64) -> BudgetLimits {
    BudgetLimits { tokens_max: Some(most), ..BudgetLimits::NONE }
}

fn taking(input_tokens: u64, output_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() }
}

fn taken(reports: &[TaskReport]) -> u64 {
    reports.iter().map(|report| report.usage.total_tokens()).sum()
}

fn limited(limits: BudgetLimits) -> SettingsOverrides {
    SettingsOverrides { budget: limits, ..allow_everything() }
}

#[actix::test]
async fn forty_agents_at_once_stay_within_the_tokens_of_their_run() {
    const LIMIT: u64 = 100_000;
    tokio::time::pause();
    let look = calling("Look").with_usage(taking(900, 1_000));
    let report = Rule::text("done").with_usage(taking(1_900, 1_000));
    let slowly = |rule: Rule| rule.with_delays(Duration::from_secs(2), Duration::ZERO);
    let model = scripted([slowly(look).when(first()), slowly(report).when(then("Look"))]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools =
        vec![crate::harness::TestTool::reading("Look", |_| async { Ok("x".repeat(3_000)) }).shared()];
    setup.overrides = SettingsOverrides { max_concurrent: Some(40), ..limited(tokens(LIMIT)) };
    let stage = OneClock::start(setup);
    let run = RunId::new();
    let reports =
        join_all((0..40).map(|n| stage.run(RunTask::new("worker", format!("task {n}")).in_run(run)))).await;
    assert!(taken(&reports) <= LIMIT, "{} tokens were taken", taken(&reports));
    let completed = reports.iter().filter(|report| report.status() == TaskStatus::Completed).count();
    assert!(completed > 0, "what fits is done");
    let error = TaskError::TokenLimit { limit: LIMIT };
    for report in reports.iter().filter(|report| report.status() != TaskStatus::Completed) {
        assert_eq!(report.outcome, Outcome::Failed { error: error.clone(), partial: None });
    }
    assert!(completed < 40 && taken(&reports) > LIMIT / 2, "{completed} of 40, {} tokens", taken(&reports));
    // The next run has a budget of its own.
    assert_eq!(stage.ask("worker", "another run").await.status(), TaskStatus::Completed);
}

#[tokio::test]
async fn agents_on_a_real_wire_stay_within_the_money_of_their_run_and_ask_for_no_longer_answers() {
    const LIMIT: MicroUsd = MicroUsd(4_000);
    let mock = Mock::start(Format::Anthropic, |_| {
        Reply::After(Duration::from_millis(20), Box::new(Reply::text("done")))
    });
    let project = project_on([("mock", Format::Anthropic, &mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| {
        let worker = agent_on("worker", "mock", Format::Anthropic);
        let limits = BudgetLimits { cost_max: Some(LIMIT), calls_max: Some(6), ..BudgetLimits::NONE };
        builder.agents(agents([worker])).overrides(limited(limits))
    });
    let requests = (0..8).map(|n| RunTask::<String>::new("worker", format!("task {n}")).request).collect();
    let report = runtime.run_all(requests).await.expect("the runtime runs");
    let cost: MicroUsd = report.tasks.iter().filter_map(|task| task.cost).sum();
    assert!(cost <= LIMIT && cost > MicroUsd(0), "{cost}");
    assert_eq!(mock.calls().len(), 6, "as many calls as were allowed");
    for call in mock.calls() {
        let most = call.body["max_tokens"].as_u64().expect("a number");
        // Half a dollar for a million tokens of an answer: what is left pays for 8,000 at most.
        assert!((1..=8_000).contains(&most), "{most} tokens");
    }
    let refused: Vec<_> = report.tasks.iter().filter(|task| task.status() == TaskStatus::Failed).collect();
    assert_eq!(refused.len(), 2);
    for task in refused {
        let error = TaskError::CallLimit { limit: 6 };
        assert_eq!(task.outcome, Outcome::Failed { error, partial: None });
    }
}

#[actix::test]
async fn what_an_agent_had_written_when_its_budget_ran_out_is_kept() {
    tokio::time::pause();
    let rules = [
        Rule::text("half of it").and_call(look()).with_usage(taking(100, 4_900)).when(first()),
        Rule::text("the rest").when(then("Look")),
    ];
    let mut setup = Setup::new(agents([agent("worker")]), scripted(rules));
    setup.tools = vec![crate::harness::TestTool::reading("Look", |_| async { Ok("seen".into()) }).shared()];
    setup.overrides = allow_everything();
    let stage = OneClock::start(setup);
    let report = stage.run(RunTask::new("worker", "go").tokens_max(5_500)).await;
    let error = TaskError::TokenLimit { limit: 5_500 };
    assert_eq!(report.outcome, Outcome::Failed { error, partial: Some("half of it".into()) });
}

fn look() -> codex_task_providers::scripted::ScriptedCall {
    codex_task_providers::scripted::ScriptedCall::new("Look", &serde_json::json!({}))
}

#[actix::test]
async fn the_time_of_a_run_ends_what_runs_and_what_waits() {
    tokio::time::pause();
    let model = scripted([Rule::text("too late").with_fault(Fault::hang().after_bytes(4))]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    let minute = BudgetLimits { time_max: Some(Duration::from_mins(1)), ..BudgetLimits::NONE };
    setup.overrides = SettingsOverrides { max_concurrent: Some(2), ..limited(minute) };
    let stage = OneClock::start(setup);
    let run = RunId::new();
    let began = tokio::time::Instant::now();
    let reports =
        join_all((0..4).map(|n| stage.run(RunTask::new("worker", format!("task {n}")).in_run(run)))).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_mins(1) && took < Duration::from_secs(62), "{took:?}");
    for report in &reports {
        assert_eq!(report.status(), TaskStatus::TimedOut, "{report:?}");
    }
    assert_eq!(reports[0].outcome.partial(), Some("too "));
    let note = "the time of the whole run was over before the task's own";
    assert!(reports[0].notes.iter().any(|said| said == note), "{:?}", reports[0].notes);
}

#[actix::test]
async fn a_child_has_neither_more_time_nor_more_tokens_than_the_task_that_asked_for_it() {
    tokio::time::pause();
    let model = scripted([
        calling("Stay").with_usage(taking(300, 300)).when(once_prompted("parent")),
        Rule::text("never").with_fault(Fault::hang()).when(once_prompted("hang")),
        Rule::text("done").with_usage(taking(10, 10)).when(once_prompted("work")),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.tools = vec![crate::harness::TestTool::reading("Stay", |_| std::future::pending()).shared()];
    setup.overrides = allow_everything();
    let stage = OneClock::start(setup);
    let minute = Duration::from_mins(1);
    let error = TaskError::TokenLimit { limit: 1_600 };
    for (tokens, prompt, expected) in [
        (1_600, "work", Outcome::Failed { error, partial: None }),
        (90_000, "work", Outcome::Completed("done".to_owned())),
        (90_000, "hang", Outcome::TimedOut { after: Duration::from_secs(50), partial: None }),
    ] {
        let parent = RunTask::new("worker", "parent").timeout(minute).tokens_max(tokens);
        let mut child = RunTask::new("worker", prompt).in_run(parent.request.run).tokens_max(1_000_000);
        child.request.lineage = Lineage { parent: Some(parent.request.id), ..Lineage::default() };
        let child = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            stage.run(child).await
        };
        let (parent, child) = futures_util::join!(stage.run(parent), child);
        assert_eq!(parent.status(), TaskStatus::TimedOut, "{parent:?}");
        match (child.outcome, expected) {
            (Outcome::TimedOut { after, .. }, Outcome::TimedOut { after: most, .. }) => {
                assert!(after <= most && after > Duration::from_secs(49), "{after:?}");
            }
            (outcome, expected) => assert_eq!(outcome, expected),
        }
    }
}

#[tokio::test]
async fn a_resumed_run_has_what_it_had_not_spent() {
    let project = TestProject::new();
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    let start = |records: Records| Arc::new(Recorder::start(records, &environment, "").expect("it records"));
    let rules = || {
        scripted([
            Rule::text("cheap").with_usage(taking(1_000, 2_000)).when(once_prompted("first")),
            calling("Wait").with_usage(taking(1_000, 1_000)).when(once_prompted("second").turn(1)),
            Rule::text("dear").with_usage(taking(1_000, 1_000)).when(once_prompted("second").turn(2)),
        ])
    };
    let project = Arc::new(project);
    let run = {
        let recorder = start(records.clone());
        let waiting = crate::harness::TestTool::reading("Wait", |_| std::future::pending());
        let handle = codex_task::Runtime::builder()
            .environment(environment.clone())
            .agents(agents([agent("worker")]))
            .backend(rules())
            .tool(waiting.shared())
            .overrides(limited(tokens(50_000)))
            .recorder(Arc::clone(&recorder))
            .start()
            .expect("a runtime");
        let tasks: Vec<_> = ["first", "second"].map(|p| RunTask::<String>::new("worker", p).request).into();
        let own = handle.clone();
        let mut running = std::pin::pin!(own.run_all(tasks));
        let seen = async {
            wait_for("the first has ended and the second waits", async || {
                recorder.flush().await;
                let newest = records.list(1).expect("it is read").pop();
                newest.is_some_and(|run| {
                    run.tasks.len() == 2 && run.tasks[0].ended_ms.is_some() && run.tasks[1].turns == 1
                })
            })
            .await;
        };
        tokio::select! {
            _ = &mut running => panic!("the second task waits"),
            () = seen => {}
        }
        let run = records.list(1).expect("it is read").pop().expect("one run").run;
        // The process ends here: nobody writes any longer.
        recorder.close();
        handle.shutdown_within(Duration::ZERO).await;
        run
    };
    // 5,000 tokens are spent, 6,000 are allowed now: too few for another call.
    let runtime_of = |most: u64| {
        let waiting = crate::harness::TestTool::reading("Wait", |_| async { Ok("waited".to_owned()) });
        codex_task::Runtime::builder()
            .environment(environment.clone())
            .agents(agents([agent("worker")]))
            .backend(rules())
            .tool(waiting.shared())
            .overrides(limited(tokens(most)))
            .recorder(start(records.clone()))
            .start()
            .expect("a runtime")
    };
    let handle = runtime_of(6_000);
    let resumed = handle.resume(run).await.expect("it goes on");
    let error = TaskError::TokenLimit { limit: 6_000 };
    assert_eq!(resumed.report.tasks[0].outcome, Outcome::Failed { error, partial: None });
    handle.shutdown().await;
    drop(project);
}

#[actix::test]
async fn an_agent_with_the_model_auto_gets_a_tier_and_the_reason_is_told() {
    tokio::time::pause();
    let model = scripted([Rule::text("done")]);
    let mut reader = agent("reader");
    reader.model = ModelChoice::parse("auto");
    reader.tools = ToolSelection::Listed(vec![ToolPattern::parse("Read")]);
    let mut writer = agent("writer");
    writer.model = ModelChoice::Auto;
    let mut setup = Setup::new(agents([reader, writer]), model.clone());
    let nothing =
        |name: &str| crate::harness::TestTool::reading(name, |_| async { Ok(String::new()) }).shared();
    setup.tools = vec![nothing("Read"), nothing("Bash")];
    let stage = OneClock::start(setup);
    let small = stage.ask("reader", "look").await;
    assert_eq!(small.notes, ["model auto: haiku for about 7 prompt tokens and tools that only read"]);
    let large = stage.ask("writer", &"change it ".repeat(6_000)).await;
    assert!(large.notes[0].starts_with("model auto: opus for about 150"), "{:?}", large.notes);
    let asked: Vec<String> = model.recorded().iter().map(|request| request.model.to_string()).collect();
    assert_eq!(asked, ["haiku", "opus"]);
}
