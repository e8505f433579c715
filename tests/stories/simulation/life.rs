//! One process of the simulation: it asks for what has not ended, is disturbed, and leaves everything in order.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{
    BudgetLimits, CallId, CollectRun, OpenRun, RunTask, TaskError, TaskEventKind, TaskId, TaskImage,
    TaskReport, TaskStatus,
};
use codex_task_actors::{AskHealth, Drain, Spent};
use futures_util::future::join_all;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};

use super::census::Census;
use super::disk::{Disk, spent};
use super::disturbance::{self, STALL_MAX};
use super::kinship::parent_of;
use super::machine::{Ceiling, Machine};
use super::plan::NEVER;
use super::stage;
use super::tools::Hold;
use super::verdict;
use super::worker::WorkerPool;
use super::world::World;
use crate::harness::OneClock;

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
    pub(super) census: RefCell<Census>,
    hold: Hold,
    machine: Machine,
    /// What callers ask for in it: how often each task must end.
    asked: RefCell<BTreeMap<TaskId, usize>>,
    /// What they were told.
    answers: RefCell<Vec<(TaskId, TaskStatus)>>,
    /// What the run's tasks had taken before, as far as they have ended.
    spent_before: Spent,
    /// Whether some of them are asked for that no earlier process has heard of.
    begins_anew: bool,
    /// Requests whose end was not told yet.
    open_calls: RefCell<HashSet<CallId>>,
    /// Whether the aggregator was made to fail.
    pub(super) aggregator_failed: Cell<bool>,
}

impl Life {
    pub(super) fn start(world: &Rc<World>, nth: usize) -> Rc<Self> {
        let (pool, hold) = (WorkerPool::default(), Hold::default());
        let machine = Machine::new(world.plan, nth);
        let stage = OneClock::start(stage::setup(world, nth, &pool, &hold, &machine));
        world.memory.forget_requests(world.reports_on_disk());
        let ceiling = Ceiling::new(machine.clone(), world.weather.at_once + 1);
        let life = Rc::new(Self {
            world: Rc::clone(world),
            stage,
            pool,
            nth,
            began: Instant::now(),
            census: RefCell::new(Census::new(world, ceiling)),
            hold,
            machine,
            asked: RefCell::default(),
            answers: RefCell::default(),
            spent_before: world.disk.as_ref().map(|disk| disk.spent_by_ended(world.run)).unwrap_or_default(),
            begins_anew: nth > 0 && world.tasks.iter().any(|task| world.is_unheard(task)),
            open_calls: RefCell::default(),
            aggregator_failed: Cell::new(false),
        });
        life.world.trace.line(life.began, &format!("life {nth}"));
        drop(actix::spawn(Rc::clone(&life).watch()));
        life
    }

    /// Everything that happens in it, unless it is killed before.
    pub(super) async fn live(self: Rc<Self>) {
        let (anchor, others) = self.world.tasks.split_last().expect("the anchor");
        let of_run = self.of_run();
        let open = OpenRun { run: self.world.run, tasks: of_run.clone() };
        self.stage.runtime.aggregator().send(open).await.expect("the aggregator lives");
        let mut anchored = actix::spawn(Rc::clone(&self).ask_for(anchor.index));
        let ended = others.iter().map(|task| Rc::clone(&self).ask_for(task.index));
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
        self.nothing_is_left().await;
        self.run_is_collected(&of_run).await;
        self.budgets_hold(held);
        self.nobody_is_taken().await;
        self.world.shortages.set(self.world.shortages.get() + self.machine.shortages());
    }

    /// The tasks that this process begins or goes on with in the world's run.
    fn of_run(&self) -> Vec<TaskId> {
        let (world, run) = (&self.world, self.world.run);
        let unfinished = world.disk.as_ref().map(Disk::unfinished).unwrap_or_default();
        let is_of_run = |id: TaskId| match unfinished.iter().find(|image| image.request().id == id) {
            Some(image) => image.request().run == run,
            None => world.sat(id) == 0,
        };
        world.tasks.iter().map(|task| task.id).filter(|id| is_of_run(*id)).collect()
    }

    /// Asks for a task that has not ended, or goes on with it and with all that its agents have asked for, until it has
    /// been asked everything.
    async fn ask_for(self: Rc<Self>, index: usize) {
        let task = &self.world.tasks[index];
        if self.world.is_over(task) {
            return;
        }
        tokio::time::sleep(task.plan.arrives).await;
        let family = self.world.family(index);
        let mut sitting = self.world.sat(task.id);
        if !family.is_empty() {
            sitting += usize::from(family.iter().any(|image| image.request().id == task.id));
            self.go_on(family).await;
        }
        while sitting < task.plan.sittings {
            *self.asked.borrow_mut().entry(task.id).or_default() += 1;
            let asked = Instant::now();
            let told = self.stage.supervisor.send(self.world.request(task, sitting)).await;
            let report = told.expect("the supervisor lives").expect("it takes tasks");
            self.is_told(&report, asked);
            sitting += 1;
        }
    }

    async fn go_on(&self, family: Vec<TaskImage>) {
        let asked = Instant::now();
        // All of one run are resumed together; an earlier sitting's tasks may be there beside a later one's.
        let run = family[0].request().run;
        for image in &family {
            *self.asked.borrow_mut().entry(image.request().id).or_default() += 1;
        }
        let told = self.stage.runtime.go_on(run, family).await.expect("the runtime takes tasks");
        told.tasks.iter().chain(&told.nested).for_each(|report| self.is_told(report, asked));
    }

    /// Whoever has asked for a task is told what everybody else is told.
    fn is_told(&self, report: &TaskReport, asked: Instant) {
        let waited = asked.elapsed();
        let name = format!("seed {}, task {:?}", self.world.plan.seed, self.world.number_of(report.task));
        assert!(report.timing.total <= waited, "{name}: {:?} in {waited:?}", report.timing);
        self.answers.borrow_mut().push((report.task, report.status()));
    }

    /// Sees every event, and nothing of it too late.
    async fn watch(self: Rc<Self>) {
        let mut events = self.stage.runtime.events();
        let breaches = self.world.breaches.clone();
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(lost)) => {
                    breaches.add(format!("{lost} events were lost by a watcher that is quick"));
                    continue;
                }
                Err(RecvError::Closed) => return,
            };
            match &event.kind {
                TaskEventKind::CallSent { call, .. } => _ = self.open_calls.borrow_mut().insert(*call),
                TaskEventKind::CallEnded(call) => {
                    let was_open = self.open_calls.borrow_mut().remove(&call.call);
                    breaches.expect(was_open, || format!("a request ends twice: {call:?}"));
                }
                _ => {}
            }
            let Some(number) = self.world.number_of_event(&event) else {
                breaches.add(format!("an event of a task that nobody has asked for: {event:?}"));
                continue;
            };
            self.census.borrow_mut().hear(number, &event);
            self.world.trace.task(self.began, number, &event.kind);
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
        let is_given_up = counters.given_up > 0 && !self.world.has_stalled.get();
        assert!(!is_given_up, "seed {seed}: agents were given up that nothing held up: {counters:?}");
    }

    /// Each task has ended as often as it was asked for, for everybody who hears of it, and the runtime is empty.
    async fn nothing_is_left(&self) {
        let seed = self.world.plan.seed;
        tokio::time::sleep(GRACE).await;
        self.everybody_has_ended();
        assert!(self.open_calls.borrow().is_empty(), "seed {seed}: each request has an end");
        assert!(self.stage.board.is_empty(), "seed {seed}: the board is empty");
        let counters = self.stage.counters().await;
        assert_eq!((counters.running, counters.queued, counters.promised), (0, 0, 0), "seed {seed}");
    }

    /// As often as it was asked for, and as its callers were told.
    fn everybody_has_ended(&self) {
        let seed = self.world.plan.seed;
        let census = self.census.borrow();
        let is_nested = |task: &TaskId| self.world.number_of(*task).and_then(parent_of).is_some();
        let (nested, of_callers): (BTreeMap<_, _>, BTreeMap<_, _>) =
            census.endings.clone().into_iter().partition(|(task, _)| is_nested(task));
        assert!(nested.values().all(|times| *times == 1), "seed {seed}: one ending each: {nested:?}");
        let mut asked = self.asked.borrow().clone();
        asked.retain(|task, _| !is_nested(task));
        assert_eq!(of_callers, asked, "seed {seed}: an ending each");
        for (task, status) in self.answers.borrow().iter() {
            let is_told = census.ended.iter().any(|(_, told)| told.task == *task && told.status() == *status);
            assert!(is_told, "seed {seed}: {status:?} of {task} was told to nobody else");
        }
        assert_eq!(census.living(), Vec::new(), "seed {seed}: nobody lives");
    }

    /// The aggregator has the same endings, or says at once that it knows nothing of the run.
    async fn run_is_collected(&self, tasks: &[TaskId]) {
        let (seed, run) = (self.world.plan.seed, self.world.run);
        let collect = self.stage.runtime.aggregator().send(CollectRun { run });
        let collected = timeout(Duration::from_millis(10), collect).await.expect("all tasks have ended");
        if self.aggregator_failed.get() {
            return assert!(!matches!(collected, Ok(Ok(_))), "seed {seed}: it has forgotten the run");
        }
        let report = collected.expect("the aggregator lives").expect("the run is open");
        let statuses = |reports: &[Arc<TaskReport>]| -> Vec<(TaskId, TaskStatus)> {
            reports.iter().map(|report| (report.task, report.status())).collect()
        };
        let census = self.census.borrow();
        let of_run = census.ended.iter().map(|(_, report)| report).filter(|report| report.run == run);
        let told: Vec<_> = of_run.map(|report| (report.task, report.status())).collect();
        let is_of_callers = |(task, _): &(TaskId, TaskStatus)| tasks.contains(task);
        let (of_callers, nested): (Vec<_>, Vec<_>) = told.into_iter().partition(is_of_callers);
        let in_order = |task: &TaskId| of_callers.iter().find(|(told, _)| told == task).copied();
        let in_order: Vec<_> = tasks.iter().filter_map(in_order).collect();
        assert_eq!(statuses(&report.tasks), in_order, "seed {seed}: the run's report");
        assert_eq!(statuses(&report.nested), nested, "seed {seed}: what its agents have asked for");
    }

    /// Nobody has taken more than there was: of the run, as long as the anchor holds it open and its tasks know what was
    /// taken before; and of each task's own budget.
    fn budgets_hold(&self, held: bool) {
        let (world, census) = (&self.world, self.census.borrow());
        let (seed, run) = (world.plan.seed, world.run);
        let of_run = census.ended.iter().map(|(_, report)| report).filter(|report| report.run == run);
        let taken = of_run.map(spent).fold(self.spent_before, Spent::plus);
        let overspent = verdict::overspent(world.weather.limits, taken);
        assert!(!held || self.begins_anew || overspent.is_none(), "seed {seed}: the run: {overspent:?}");
        for task in &world.tasks {
            let limits = BudgetLimits { tokens_max: task.plan.tokens_max, ..BudgetLimits::NONE };
            let overspent = verdict::overspent(limits, census.taken_by(task.id));
            assert!(overspent.is_none(), "seed {seed}: task {} and its own: {overspent:?}", task.index);
        }
    }

    /// The runtime takes no more tasks.
    async fn nobody_is_taken(&self) {
        let (seed, supervisor) = (self.world.plan.seed, &self.stage.supervisor);
        let drained = timeout(Duration::from_millis(10), supervisor.send(Drain)).await;
        drained.expect("nothing is waited for").expect("the supervisor lives");
        let late = supervisor.send(RunTask::<String>::new("worker", "too late")).await;
        assert_eq!(late.expect("the supervisor lives").err(), Some(TaskError::ShuttingDown), "seed {seed}");
    }
}
