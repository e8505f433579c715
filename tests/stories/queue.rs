//! Who runs and who waits: ten at once, the rest by priority and age, and every task comes to its end.

use std::collections::HashMap;
use std::time::Duration;

use codex_task::{
    BoardState, CollectRun, OpenRun, Outcome, Priority, RunId, RunTask, TaskError, TaskEventKind, TaskId,
    TaskStatus,
};
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::{Fault, Rule};
use codex_task_providers::{ChatRequest, ProviderError};
use futures_util::future::join_all;

use crate::harness::{
    OneClock, Setup, TestRuntime, agent, agents, once_prompted, scripted, texts_of, wait_for, wait_until,
};

fn slowly(text: &str) -> Rule {
    Rule::text(text).with_delays(Duration::from_secs(30), Duration::ZERO)
}

fn at_once(count: usize) -> SettingsOverrides {
    SettingsOverrides { max_concurrent: Some(count), ..SettingsOverrides::default() }
}

fn prompt_of(request: &ChatRequest) -> String {
    texts_of(request).last().cloned().unwrap_or_default()
}

#[actix::test]
async fn ten_tasks_run_by_default_and_the_rest_follow_in_the_order_of_their_coming() {
    tokio::time::pause();
    let model = scripted([slowly("done")]);
    let stage = OneClock::start(Setup::new(agents([agent("worker")]), model.clone()));
    let asked: Vec<String> = (0..25).map(|n| format!("task {n}")).collect();
    let running = join_all(asked.iter().map(|prompt| stage.ask("worker", prompt)));
    let watching = async {
        wait_for("all are admitted", async || stage.counters().await.admitted == 25).await;
        let counters = stage.counters().await;
        assert_eq!((counters.running, counters.queued), (10, 15));
        let on_board =
            |wanted: fn(&BoardState) -> bool| stage.board.iter().filter(|entry| wanted(&entry.state)).count();
        assert_eq!(on_board(|state| matches!(state, BoardState::Running { restarts: 0, .. })), 10);
        assert_eq!(on_board(|state| *state == BoardState::Queued), 15);
    };
    let (reports, ()) = futures_util::join!(running, watching);
    for (n, report) in reports.iter().enumerate() {
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        let rounds_waited = report.timing.queued.as_secs() / 30;
        assert_eq!(rounds_waited, n as u64 / 10, "task {n}");
    }
    let order: Vec<String> = model.recorded().iter().map(prompt_of).collect();
    assert_eq!(order, asked);
    assert!(stage.board.is_empty());
}

#[actix::test]
async fn of_those_that_wait_the_highest_priority_runs_first_and_then_the_oldest() {
    tokio::time::pause();
    let model = scripted([slowly("done")]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.overrides = at_once(1);
    let stage = OneClock::start(setup);
    let asked = [
        ("first of all", Priority::Low),
        ("low", Priority::Low),
        ("normal", Priority::Normal),
        ("high", Priority::High),
        ("normal too", Priority::Normal),
        ("high too", Priority::High),
    ];
    join_all(asked.map(|(prompt, priority)| stage.run(RunTask::new("worker", prompt).priority(priority))))
        .await;
    let order: Vec<String> = model.recorded().iter().map(prompt_of).collect();
    assert_eq!(order, ["first of all", "high", "high too", "normal", "normal too", "low"]);
}

#[tokio::test]
async fn two_hundred_tasks_all_complete_and_events_and_board_agree() {
    const TASKS: usize = 200;
    let model = scripted([Rule::text("done").with_delays(Duration::from_millis(3), Duration::ZERO)]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let mut events = runtime.events();
    let requests: Vec<_> = (0..TASKS)
        .map(|n| {
            RunTask::<String>::new("worker", format!("task {n}")).description(format!("number {n}")).request
        })
        .collect();
    let ids: Vec<TaskId> = requests.iter().map(|request| request.id).collect();
    let watching = Box::pin(async {
        let (mut seen, mut ended) = (HashMap::<TaskId, Vec<&str>>::new(), 0);
        while ended < TASKS {
            let event = events.recv().await.expect("no event is lost");
            let what = match &event.kind {
                TaskEventKind::Queued { .. } => "queued",
                TaskEventKind::Started { .. } => "started",
                TaskEventKind::TurnStarted { .. } => "turn",
                TaskEventKind::CallSent { .. } => "sent",
                TaskEventKind::CallEnded(_) => "ended",
                TaskEventKind::Text { .. } => "text",
                TaskEventKind::Finished(_) => "finished",
                other => panic!("nothing else happens, not {other:?}"),
            };
            ended += usize::from(what == "finished");
            seen.entry(event.task).or_default().push(what);
        }
        seen
    });
    let (report, seen) = futures_util::join!(runtime.run_all(requests), watching);
    let report = report.expect("the runtime runs");
    let reported: Vec<TaskId> = report.tasks.iter().map(|task| task.task).collect();
    assert_eq!(reported, ids, "in the order in which they were asked for");
    for (n, task) in report.tasks.iter().enumerate() {
        assert_eq!(task.outcome, Outcome::Completed("done".into()));
        assert_eq!(task.description, Some(format!("number {n}")));
        assert_eq!(task.run, report.run);
        assert!(task.timing.total >= task.timing.queued + task.timing.model);
    }
    for id in ids {
        let mut events = seen[&id].clone();
        events.retain(|event| *event != "queued");
        assert_eq!(events, ["started", "turn", "sent", "text", "ended", "finished"]);
    }
    assert!(runtime.board().is_empty());
    let prompts: Vec<String> = model.recorded().iter().map(prompt_of).collect();
    assert!(prompts.iter().all(|prompt| !prompt.contains("number")), "descriptions are for people");
    assert!(runtime.gates().await[0].answered == TASKS as u64);
}

#[tokio::test]
async fn a_run_gives_all_its_tasks_in_the_order_asked_for_failed_ones_included_and_once_only() {
    let error = ProviderError::InvalidRequest { status: 400, detail: "no".into() };
    let model = scripted([
        Rule::text("late").when(once_prompted("slow")).with_delays(Duration::from_millis(80), Duration::ZERO),
        Rule::error(error).when(once_prompted("bad")),
        Rule::text("done"),
    ]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let run = RunId::new();
    let asked =
        [("worker", "slow"), ("worker", "bad"), ("nobody", "go"), ("worker", "quick"), ("worker", "  ")];
    let tasks = asked.map(|(agent, prompt)| RunTask::<String>::new(agent, prompt).in_run(run));
    let ids = tasks.iter().map(|task| task.request.id).collect();
    let aggregator = runtime.aggregator();
    aggregator.send(OpenRun { run, tasks: ids }).await.expect("the aggregator lives");
    let collecting = aggregator.send(CollectRun { run });
    let (report, _) = futures_util::join!(collecting, join_all(tasks.map(|task| runtime.run(task))));
    let report = report.expect("the aggregator lives").expect("the run is open");
    let statuses: Vec<TaskStatus> = report.tasks.iter().map(|task| task.status()).collect();
    let (completed, failed) = (TaskStatus::Completed, TaskStatus::Failed);
    assert_eq!(statuses, [completed, failed, failed, completed, failed]);
    let kinds: Vec<&str> = report
        .tasks
        .iter()
        .filter_map(|task| match &task.outcome {
            Outcome::Failed { error, .. } => Some(error.kind()),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["invalid_request", "unknown_agent", "empty_prompt"]);
    let again = aggregator.send(CollectRun { run }).await.expect("the aggregator lives");
    assert!(again.is_err(), "a run is collected once");
    let never = aggregator.send(CollectRun { run: RunId::new() }).await.expect("the aggregator lives");
    assert!(never.is_err());
}

#[tokio::test]
async fn an_id_that_is_running_is_refused_and_may_come_again_afterwards() {
    let model = scripted([Rule::fault(Fault::hang()).when(once_prompted("first")), Rule::text("done")]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model.clone()));
    let task = RunTask::<String>::new("worker", "first");
    let id = task.request.id;
    let first = runtime.begin(task.clone());
    wait_until("it runs", || runtime.board().contains_key(&id)).await;
    let second = runtime.run(task.clone()).await.expect("the runtime runs");
    assert_eq!(second.outcome, Outcome::Failed { error: TaskError::DuplicateTask, partial: None });
    assert!(runtime.board().contains_key(&id), "the first one still runs");
    assert!(runtime.cancel(id).await);
    assert_eq!(first.await.expect("no panic").status(), TaskStatus::Cancelled);
    let mut again = task;
    again.request.prompt = "second".into();
    assert_eq!(runtime.begin(again).await.expect("no panic").outcome, Outcome::Completed("done".into()));
}

#[tokio::test]
async fn a_task_that_cannot_begin_is_answered_at_once_with_help() {
    let model = scripted([Rule::text("done")]);
    let runtime = TestRuntime::start(|builder| {
        let rules = SettingsOverrides { deny: vec!["Agent(secret)".into()], ..SettingsOverrides::default() };
        let known = agents([agent("secret"), agent("worker")]);
        builder.agents(known).backend(model.clone()).overrides(rules)
    });
    let mut errors = Vec::new();
    for (name, prompt) in [("secret", "go"), ("wroker", "go"), ("worker", " \n")] {
        match runtime.ask(name, prompt).await.outcome {
            Outcome::Failed { error, partial: None } => errors.push(error),
            other => panic!("{name} begins: {other:?}"),
        }
    }
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "agent 'secret' is denied by the rule Agent(secret)",
            "agent 'wroker' not found",
            "the prompt is empty",
        ]
    );
    assert!(errors.iter().all(|error| error.help().is_some()));
    let for_model = errors[1].for_model();
    assert_eq!(for_model, "Agent type 'wroker' not found. Available agents: secret, worker");
    assert!(model.recorded().is_empty());
    let counters = runtime.counters().await;
    assert_eq!((counters.refused, counters.admitted), (3, 0));
}

#[tokio::test]
async fn the_time_that_an_agent_took_so_far_is_told_when_it_starts_again() {
    let model = scripted([Rule::text("done").with_delays(Duration::from_millis(60), Duration::ZERO)]);
    let runtime = TestRuntime::start(|builder| builder.agents(agents([agent("worker")])).backend(model));
    let mut events = runtime.events();
    for _ in 0..2 {
        runtime.ask("worker", "go").await;
    }
    let mut expected = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let TaskEventKind::Started { expected: time, .. } = &event.kind {
            expected.push(*time);
        }
    }
    assert_eq!(expected.len(), 2);
    assert!(
        expected[0].is_none() && expected[1].is_some_and(|time| time >= Duration::from_millis(60)),
        "{expected:?}"
    );
}
