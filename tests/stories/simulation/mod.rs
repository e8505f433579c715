//! Whole systems of actors on a paused clock, in which everything goes wrong that a seed says: however it ends, it ends
//! in order.
//!
//! A seed decides what goes wrong with each call of each task, and when it is disturbed from outside. It does not decide
//! the runtime's own jitter, so a seed that fails now and then is worth repeating. Arbiters that die and journals that fail
//! need threads and disks: `arbiters` and `kills` tell of them.

mod backend;
mod plan;
mod tools;

use std::collections::BTreeMap;
use std::time::Duration;

use codex_task::{
    CancelTask, FailProvider, Outcome, RestartPolicy, RunTask, TaskEventKind, TaskId, TaskReport,
};
use codex_task_actors::AskHealth;
use codex_task_config::{Environment, ProviderName, SettingsOverrides};
use futures_util::future::join_all;
use rand::RngExt;

use self::backend::Unwell;
use self::plan::Plan;
use self::tools::Effects;
use crate::harness::{OneClock, Setup, agent, agents, allow_everything};

/// Seeds of the ordinary run.
const SEEDS: u64 = 100;
/// How many seeds to run instead.
const SEEDS_VARIABLE: &str = "CODEX_TASK_SEEDS";
/// The only seed to run: for those that failed.
const SEED_VARIABLE: &str = "CODEX_TASK_SEED";
/// How long after its deadline a task may end.
const GRACE: Duration = Duration::from_secs(1);
/// Longer than any task may take, waiting for a slot included.
const NEVER: Duration = Duration::from_hours(6);

#[actix::test]
async fn whatever_goes_wrong_each_task_ends_once_and_in_time_and_nothing_is_done_twice() {
    tokio::time::pause();
    let process = Environment::from_process().expect("a working directory");
    let number = |name: &str| process.get(name).map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number(SEED_VARIABLE) {
        Some(seed) => seed..seed + 1,
        None => 0..number(SEEDS_VARIABLE).unwrap_or(SEEDS),
    };
    let (mut endings, mut changed) = (BTreeMap::<String, usize>::new(), 0);
    for seed in seeds.clone() {
        let at_fault = NameSeed(seed);
        let (reports, changes) = simulate(seed).await;
        changed += changes;
        for report in reports {
            *endings.entry(format!("{:?}", report.status())).or_default() += 1;
        }
        // All is well with this one.
        std::mem::forget(at_fault);
    }
    // Shown with `--nocapture`, and with a failure.
    println!("{} seeds: {endings:?}, {changed} calls with effects", seeds.end - seeds.start);
    let is_met = endings.len() == 5 && changed > 0;
    assert!(seeds.end - seeds.start < SEEDS || is_met, "every kind of ending is met: {endings:?}");
}

/// Says how to repeat a seed, when its simulation fails.
struct NameSeed(u64);

impl Drop for NameSeed {
    fn drop(&mut self) {
        let name = "simulation::whatever_goes_wrong";
        eprintln!(
            "repeat it: {SEED_VARIABLE}={} cargo test -p codex-task-tests --test stories {name}",
            self.0
        );
    }
}

/// The reports of one seed, and how many calls with effects were begun.
async fn simulate(seed: u64) -> (Vec<TaskReport>, usize) {
    let plan = Plan::new(seed);
    let mut dice = plan.dice("stage", 0);
    let effects = Effects::default();
    let mut worker = agent("worker");
    worker.fallback = vec!["second/scripted-2".into()];
    let backend = |name: &str| Unwell::shared(ProviderName::new(name), plan);
    let mut setup = Setup::new(agents([worker]), backend("scripted"));
    setup.backends.push(backend("second"));
    setup.tools = effects.tools(plan);
    let at_once = dice.random_range(1..=8);
    setup.overrides = SettingsOverrides { max_concurrent: Some(at_once), ..allow_everything() };
    setup.restart_policy =
        RestartPolicy { restarts_max: dice.random_range(0..=3), ..RestartPolicy::default() };
    let stage = OneClock::start(setup);
    let mut events = stage.events.watch();

    let tasks: Vec<RunTask<String>> = (0..dice.random_range(2..=10))
        .map(|n| {
            let deadline = Duration::from_millis(dice.random_range(500..=45_000));
            RunTask::new("worker", plan::prompt(n)).timeout(deadline)
        })
        .collect();
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.request.id).collect();
    let deadlines: Vec<Duration> = tasks.iter().filter_map(|task| task.request.timeout).collect();
    let all = join_all(tasks.into_iter().map(|task| stage.run(task)));
    let (all, ()) = futures_util::join!(tokio::time::timeout(NEVER, all), disturb(&stage, plan, &ids));
    let reports = all.expect("every task ends");

    for (report, deadline) in reports.iter().zip(deadlines) {
        let took = report.timing.total.saturating_sub(report.timing.queued);
        assert!(took <= deadline + GRACE, "seed {seed}: {took:?} of {deadline:?}: {:?}", report.outcome);
        if let Outcome::Completed(text) = &report.outcome {
            assert_eq!(text, plan::ANSWER, "seed {seed}: nothing of a broken answer is in it");
        }
    }
    let mut endings = Vec::new();
    while let Ok(event) = events.try_recv() {
        endings.extend(matches!(event.kind, TaskEventKind::Finished(_)).then_some(event.task));
    }
    endings.sort_unstable();
    let mut expected = ids;
    expected.sort_unstable();
    assert_eq!(endings, expected, "seed {seed}: one ending each");
    assert_eq!(effects.done_twice(), Vec::<String>::new(), "seed {seed}");
    all_is_back(&stage, seed).await;
    (reports, effects.count())
}

/// Cancels tasks and kills the actors of providers, whenever the seed says so.
async fn disturb(stage: &OneClock, plan: Plan, tasks: &[TaskId]) {
    let mut dice = plan.dice("disturbance", 0);
    for _ in 0..dice.random_range(0..=4) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..=8_000))).await;
        if dice.random_bool(0.7) {
            let task = tasks[dice.random_range(0..tasks.len())];
            stage.supervisor.send(CancelTask { task }).await.expect("the supervisor lives");
        } else {
            let provider = ProviderName::new(if dice.random_bool(0.5) { "scripted" } else { "second" });
            stage.supervisor.send(FailProvider { provider }).await.expect("the supervisor lives");
        }
    }
}

/// No slot, no permit and no place on the board is held by anybody.
async fn all_is_back(stage: &OneClock, seed: u64) {
    // What was cancelled gives its permit back when it is dropped, which takes a turn of the loop.
    tokio::time::sleep(GRACE).await;
    assert!(stage.board.is_empty(), "seed {seed}: the board is empty");
    let counters = stage.counters().await;
    assert_eq!((counters.running, counters.queued), (0, 0), "seed {seed}: slots");
    for provider in stage.supervisor.send(AskHealth).await.expect("the supervisor lives") {
        assert_eq!((provider.in_flight, provider.waiting), (0, 0), "seed {seed}: permits: {provider:?}");
    }
}
