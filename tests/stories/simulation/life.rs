//! One process of the simulation: it asks for what has not ended, is disturbed, and leaves everything in order.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{
    CallId, CollectRun, OpenRun, RestartPolicy, RunTask, TaskError, TaskEventKind, TaskId, TaskReport,
};
use codex_task_actors::{AskHealth, ContinueTask, Dice, Drain, Journal};
use codex_task_config::{ProviderName, SettingsOverrides};
use futures_util::future::join_all;
use rand::RngExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};

use super::backend::Unwell;
use super::disk::Notebook;
use super::disturbance::{self, STALL_MAX};
use super::plan::NEVER;
use super::tools::Hold;
use super::verdict;
use super::worker::WorkerPool;
use super::world::World;
use crate::harness::{OneClock, Setup, agent, agents, allow_everything};

/// How long after the end of all tasks everything is back that they held, and on the slowest disk.
const GRACE: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Life {
    pub(super) world: Rc<World>,
    pub(super) stage: OneClock,
    pub(super) pool: WorkerPool,
    /// Which of the world's processes it is.
    pub(super) nth: usize,
    pub(super) began: Instant,
    hold: Hold,
    /// Endings that were told to whoever watches.
    endings: RefCell<BTreeMap<TaskId, usize>>,
    /// Requests whose end was not told yet.
    open_calls: RefCell<HashSet<CallId>>,
    /// Whether the aggregator was made to fail.
    pub(super) aggregator_failed: RefCell<bool>,
}

impl Life {
    pub(super) fn start(world: &Rc<World>, nth: usize) -> Rc<Self> {
        let (pool, hold) = (WorkerPool::default(), Hold::default());
        let stage = OneClock::start(setup(world, nth, &pool, &hold));
        let life = Rc::new(Self {
            world: Rc::clone(world),
            stage,
            pool,
            nth,
            began: Instant::now(),
            hold,
            endings: RefCell::default(),
            open_calls: RefCell::default(),
            aggregator_failed: RefCell::default(),
        });
        life.world.trace.line(life.began, &format!("life {nth}"));
        drop(actix::spawn(Rc::clone(&life).watch()));
        life
    }

    /// Everything that happens in it, unless it is killed before.
    pub(super) async fn live(self: Rc<Self>) {
        let (anchor, others) = self.world.tasks.split_last().expect("the anchor");
        let to_do = self.world.tasks.iter().filter(|task| !self.world.is_over(task));
        let opened: Vec<TaskId> = to_do.map(|task| task.id).collect();
        let open = OpenRun { run: self.world.run, tasks: opened.clone() };
        self.stage.aggregator.addr().send(open).await.expect("the aggregator lives");
        let mut anchored = actix::spawn(Rc::clone(&self).end_of(anchor.index));
        let ended = others.iter().map(|task| Rc::clone(&self).end_of(task.index));
        let disturbed = disturbance::disturb(&self);
        let (ended, ()) = futures_util::join!(timeout(NEVER, join_all(ended)), disturbed);
        ended.expect("every task ends");
        // A budget that is used up before its first call ends it, too.
        let held = tokio::select! {
            biased;
            () = self.hold.begun.cancelled() => !anchored.is_finished(),
            ended = timeout(NEVER, &mut anchored) => {
                ended.expect("the anchor holds on").expect("it does not panic");
                false
            }
        };
        self.all_is_back(usize::from(held)).await;
        self.hold.released.cancel();
        if held {
            timeout(NEVER, anchored).await.expect("the anchor ends").expect("it does not panic");
        }
        self.nothing_is_left(&opened).await;
    }

    /// Asks for a task that has not ended, or goes on with it, and keeps what is told of its end.
    async fn end_of(self: Rc<Self>, index: usize) {
        let task = &self.world.tasks[index];
        if self.world.is_over(task) {
            return;
        }
        tokio::time::sleep(task.plan.arrives).await;
        let asked = Instant::now();
        // What an earlier process has told and not written down is told again.
        self.world.reports.borrow_mut().remove(&task.id);
        let image = self.world.disk.as_ref().and_then(|disk| disk.image(task.id));
        let told = match image {
            Some(image) => self.stage.supervisor.send(ContinueTask { image: Box::new(image) }).await,
            None => self.stage.supervisor.send(self.world.request(task)).await,
        };
        let report: TaskReport = told.expect("the supervisor lives").expect("it takes tasks");
        verdict::check(&self.world, task, &report, asked.elapsed());
        self.world.reports.borrow_mut().insert(task.id, report);
    }

    /// Sees every event, and nothing of it too late.
    async fn watch(self: Rc<Self>) {
        let mut events = self.stage.events.watch();
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(lost)) => panic!("{lost} events were lost by a watcher that is quick"),
                Err(RecvError::Closed) => return,
            };
            match &event.kind {
                TaskEventKind::Finished(_) => *self.endings.borrow_mut().entry(event.task).or_default() += 1,
                TaskEventKind::CallSent { call, .. } => _ = self.open_calls.borrow_mut().insert(*call),
                TaskEventKind::CallEnded(call) => {
                    assert!(self.open_calls.borrow_mut().remove(&call.call), "a request ends once: {call:?}");
                }
                _ => {}
            }
            self.world.trace.task(self.began, self.world.index_of(event.task), &event.kind);
        }
    }

    /// Nobody but the anchor holds a slot, a permit, a promise of the budget or a place on the board.
    async fn all_is_back(&self, held: usize) {
        // What was cancelled gives its permit back when it is dropped, and a worker that stalls drops nothing.
        tokio::time::sleep(GRACE + STALL_MAX).await;
        let seed = self.world.plan.seed;
        let counters = self.stage.counters().await;
        assert_eq!((counters.running, counters.queued), (held, 0), "seed {seed}: slots: {counters:?}");
        assert_eq!(counters.promised, 0, "seed {seed}: promises of the budget: {counters:?}");
        assert_eq!(self.stage.board.len(), held, "seed {seed}: the board");
        for provider in self.stage.supervisor.send(AskHealth).await.expect("the supervisor lives") {
            assert_eq!((provider.in_flight, provider.waiting), (0, 0), "seed {seed}: permits: {provider:?}");
        }
    }

    /// Each task has ended once, for everybody who hears of it, and the runtime is empty.
    async fn nothing_is_left(&self, tasks: &[TaskId]) {
        let seed = self.world.plan.seed;
        tokio::time::sleep(GRACE).await;
        let endings: Vec<TaskId> = {
            let endings = self.endings.borrow();
            assert!(endings.values().all(|times| *times == 1), "seed {seed}: one ending each: {endings:?}");
            endings.keys().copied().collect()
        };
        let mut asked = tasks.to_vec();
        asked.sort_unstable();
        assert_eq!(endings, asked, "seed {seed}: an ending each");
        assert!(self.open_calls.borrow().is_empty(), "seed {seed}: each request has an end");
        self.run_is_collected(tasks).await;
        assert!(self.stage.board.is_empty(), "seed {seed}: the board is empty");
        let counters = self.stage.counters().await;
        assert_eq!((counters.running, counters.queued, counters.promised), (0, 0, 0), "seed {seed}");
        let supervisor = &self.stage.supervisor;
        let drained = timeout(Duration::from_millis(10), supervisor.send(Drain)).await;
        drained.expect("nothing is waited for").expect("the supervisor lives");
        let late = supervisor.send(RunTask::<String>::new("worker", "too late")).await;
        assert_eq!(late.expect("the supervisor lives").err(), Some(TaskError::ShuttingDown), "seed {seed}");
    }

    /// The aggregator has the same endings, or says at once that it knows nothing of the run.
    async fn run_is_collected(&self, tasks: &[TaskId]) {
        let seed = self.world.plan.seed;
        let collect = self.stage.aggregator.addr().send(CollectRun { run: self.world.run });
        let collected = timeout(Duration::from_millis(10), collect).await.expect("all tasks have ended");
        if *self.aggregator_failed.borrow() {
            return assert!(!matches!(collected, Ok(Ok(_))), "seed {seed}: it has forgotten the run");
        }
        let report = collected.expect("the aggregator lives").expect("the run is open");
        let of_run: Vec<_> = report.tasks.iter().map(|report| (report.task, report.status())).collect();
        let reports = self.world.reports.borrow();
        let told: Vec<_> = tasks.iter().map(|task| (*task, reports[task].status())).collect();
        assert_eq!(of_run, told, "seed {seed}: the run's report");
    }
}

fn setup(world: &World, nth: usize, pool: &WorkerPool, hold: &Hold) -> Setup {
    let (plan, weather) = (world.plan, &world.weather);
    let mut worker = agent("worker");
    worker.fallback = vec!["second/scripted-2".into()];
    let backend = |name: &str| Unwell::shared(ProviderName::new(name), plan, &world.calls);
    let mut setup = Setup::new(agents([worker]), backend("scripted"));
    setup.backends.push(backend("second"));
    setup.tools = world.effects.tools(plan, world.disk.as_ref(), hold);
    // The anchor keeps one slot for itself.
    let slots = Some(weather.at_once + 1);
    setup.overrides = SettingsOverrides { max_concurrent: slots, ..allow_everything() };
    setup.restart_policy = RestartPolicy { restarts_max: weather.restarts_max, ..RestartPolicy::default() };
    setup.project = Some(Arc::clone(&world.project));
    setup.dice = Dice::seeded(plan.dice("jitter", nth).random());
    if weather.workers > 0 {
        setup.workers = Some((weather.workers, pool.factory()));
    }
    if let (Some(disk), Some(disk_weather)) = (&world.disk, weather.disk) {
        let notebook = Notebook::start(disk, disk_weather, plan.dice("disk", nth));
        setup.journal = Some(Arc::new(notebook) as Arc<dyn Journal>);
    }
    setup
}
