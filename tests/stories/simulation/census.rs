//! Who lives in one process, as its events tell: who has begun, for whom, in which order, and until when he may live.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use codex_task::{Outcome, Priority, TaskEvent, TaskEventKind, TaskId, TaskReport};
use codex_task_actors::Spent;
use tokio::time::Instant;

use super::disk::spent;
use super::kinship::{depth_of, parent_of, root_of};
use super::machine::Ceiling;
use super::script::sitting_asked_by;
use super::verdict;
use super::world::{World, sitting_of};

/// Within which a task ends that somebody cancels, and one whose parent has ended.
const CANCELLED_WITHIN: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Census {
    world: Rc<World>,
    alive: BTreeMap<TaskId, Living>,
    /// How often each task has ended.
    pub(super) endings: BTreeMap<TaskId, usize>,
    /// What they have reported, in the order of their endings.
    pub(super) ended: Vec<(usize, TaskReport)>,
    /// When somebody cancelled a task that has not ended yet.
    cancelled: BTreeMap<TaskId, Instant>,
    ceiling: Ceiling,
}

/// A task that has not ended.
#[derive(Debug)]
struct Living {
    number: usize,
    priority: Priority,
    is_queued: bool,
    /// Which time it is asked something.
    sitting: usize,
    started: Option<Instant>,
    /// When it must have ended, because of those above it.
    latest: Option<Instant>,
    /// When its parent ended.
    orphaned: Option<Instant>,
}

impl Census {
    pub(super) fn new(world: &Rc<World>, ceiling: Ceiling) -> Self {
        Self {
            world: Rc::clone(world),
            alive: BTreeMap::new(),
            endings: BTreeMap::new(),
            ended: Vec::new(),
            cancelled: BTreeMap::new(),
            ceiling,
        }
    }

    /// Somebody cancels a task.
    pub(super) fn cancel(&mut self, task: TaskId) {
        self.cancelled.entry(task).or_insert_with(Instant::now);
    }

    /// There was none.
    pub(super) fn was_not_there(&mut self, task: TaskId) {
        self.cancelled.remove(&task);
    }

    /// What a task has taken the last time that it was asked something, with all that its agents have asked for since.
    pub(super) fn taken_by(&self, task: TaskId) -> Spent {
        let last = self.ended.iter().rev().find(|(_, report)| report.task == task);
        let Some((root, last)) = last else { return Spent::default() };
        let of_tree = self.ended.iter().filter(|(number, report)| {
            report.run == last.run && (root_of(*number) == *root) && (report.task != task)
        });
        of_tree.map(|(_, report)| spent(report)).fold(spent(last), Spent::plus)
    }

    /// Tasks that run or wait.
    pub(super) fn living(&self) -> Vec<TaskId> {
        self.alive.keys().copied().collect()
    }

    /// What happens to the task of this number.
    pub(super) fn hear(&mut self, number: usize, event: &TaskEvent) {
        match &event.kind {
            TaskEventKind::Queued { .. } => {
                self.alive.entry(event.task).or_insert_with(|| self.world.new_living(number)).is_queued =
                    true;
            }
            TaskEventKind::Started { prompt, .. } => self.begins(number, event.task, prompt),
            TaskEventKind::Finished(report) => self.ends(number, event.task, report),
            _ => {}
        }
    }

    fn begins(&mut self, number: usize, task: TaskId, prompt: &str) {
        let now = Instant::now();
        let world = Rc::clone(&self.world);
        let mut beginner = self.alive.remove(&task).unwrap_or_else(|| world.new_living(number));
        beginner.is_queued = false;
        beginner.sitting = sitting_asked_by(prompt);
        beginner.started = Some(now);
        let place = (std::cmp::Reverse(beginner.priority), task);
        let passed = self.alive.iter().find(|(other, living)| {
            let is_before = (std::cmp::Reverse(living.priority), **other) < place;
            living.is_queued && depth_of(living.number) == depth_of(number) && is_before
        });
        let is_in_turn = passed.is_none();
        world.breaches.expect(is_in_turn, || format!("task {number} has passed {passed:?}"));
        let own = now.checked_add(world.plan.task(number).deadline);
        let above = parent_of(number).and_then(|parent| self.find(parent)).and_then(|parent| parent.latest);
        beginner.latest = [own, above].into_iter().flatten().min();
        self.alive.insert(task, beginner);
        let running = self.alive.values().filter(|living| living.started.is_some());
        let beside = running.filter(|living| depth_of(living.number) == depth_of(number)).count();
        let height = self.ceiling.height();
        world.breaches.expect(beside <= height, || format!("{beside} run with task {number}, {height} may"));
        self.ceiling.note(self.running_most());
    }

    fn ends(&mut self, number: usize, task: TaskId, report: &TaskReport) {
        let now = Instant::now();
        let world = Rc::clone(&self.world);
        let breaches = &world.breaches;
        let living = self.alive.remove(&task).unwrap_or_else(|| world.new_living(number));
        *self.endings.entry(task).or_default() += 1;
        if let Some(wrong) = verdict::wrong_ending(&world, number, report) {
            breaches.add(format!("task {number}: {wrong}"));
        }
        // What was paid for in earlier sittings was told with them.
        let (turns, requests) = (report.turns, world.memory.requests(number, living.sitting));
        let is_its_own = usize::try_from(turns).is_ok_and(|turns| turns <= requests);
        breaches.expect(is_its_own, || format!("task {number} counts {turns} of {requests} calls"));
        for (since, what) in
            [(self.cancelled.remove(&task), "it was cancelled"), (living.orphaned, "its parent ended")]
        {
            let took = since.map_or(Duration::ZERO, |since| now - since);
            breaches.expect(took <= CANCELLED_WITHIN, || format!("task {number} ends {took:?} after {what}"));
        }
        if let Some(latest) = living.latest {
            let late = now.saturating_duration_since(latest);
            let grace = verdict::grace(&world);
            breaches.expect(late <= grace, || {
                format!("task {number} ends {late:?} after the time of those above it")
            });
        }
        for (_, child) in self.alive.iter_mut().filter(|(_, child)| parent_of(child.number) == Some(number)) {
            child.orphaned.get_or_insert(now);
        }
        if let Outcome::Completed(text) = &report.outcome
            && let Some((task, sitting)) = sitting_of(number, text)
        {
            world.memory.note_report(task, sitting);
        }
        world.reports.borrow_mut().entry(task).or_default().push(report.clone());
        self.ended.push((number, report.clone()));
        self.ceiling.note(self.running_most());
    }

    fn find(&self, number: usize) -> Option<&Living> {
        self.alive.values().find(|living| living.number == number)
    }

    /// Tasks that run at the depth that has most.
    fn running_most(&self) -> usize {
        let mut depths = BTreeMap::<usize, usize>::new();
        for living in self.alive.values().filter(|living| living.started.is_some()) {
            *depths.entry(depth_of(living.number)).or_default() += 1;
        }
        depths.into_values().max().unwrap_or(0)
    }
}

impl World {
    fn new_living(&self, number: usize) -> Living {
        let priority = self.plan.task(number).priority;
        // Of a task that another process has begun.
        let sitting = self.id_of(number).map_or(0, |id| self.sat(id));
        Living { number, priority, is_queued: false, sitting, started: None, latest: None, orphaned: None }
    }
}
