//! What outlives a process in the simulation: disk, effects, provider, and the callers who want their tasks done.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_task::{RunId, RunTask, TaskEvent, TaskEventKind, TaskId, TaskImage, TaskReport, TaskRequest};

use super::backend::Memory;
use super::breaches::Breaches;
use super::disk::Disk;
use super::kinship::{parent_of, root_of};
use super::plan::{Plan, SITTINGS_MAX, TaskPlan, Weather};
use super::script::{TASK, WORKER, next_prompt, prompt, report};
use super::tools::Effects;
use super::trace::Trace;
use crate::harness::TestProject;

/// See the module.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) weather: Weather,
    pub(super) project: Arc<TestProject>,
    pub(super) memory: Memory,
    pub(super) effects: Effects,
    pub(super) disk: Option<Disk>,
    pub(super) run: RunId,
    /// What callers ask for. The last one is the anchor.
    pub(super) tasks: Vec<SimTask>,
    /// Tasks by number, those that agents have asked for too.
    ids: RefCell<BTreeMap<usize, TaskId>>,
    /// What was told of each task, each time that it ended.
    pub(super) reports: RefCell<BTreeMap<TaskId, Vec<TaskReport>>>,
    /// Tasks that somebody has cancelled.
    pub(super) cancelled: RefCell<BTreeSet<TaskId>>,
    /// Whether a worker has stalled.
    pub(super) has_stalled: Cell<bool>,
    /// Whether a worker has died.
    pub(super) has_moved: Cell<bool>,
    /// Looks at the machine that found it short of memory.
    pub(super) shortages: Cell<usize>,
    pub(super) breaches: Breaches,
    pub(super) trace: Trace,
}

/// One task of the simulation.
pub(super) struct SimTask {
    pub(super) index: usize,
    pub(super) id: TaskId,
    pub(super) plan: TaskPlan,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let plan = Plan::new(seed);
        let weather = plan.weather();
        let of_plan = |(index, plan)| SimTask { index, id: TaskId::new(), plan };
        let tasks: Vec<SimTask> = plan.tasks().into_iter().enumerate().map(of_plan).collect();
        Self {
            plan,
            project: Arc::new(TestProject::new()),
            memory: Memory::default(),
            effects: Effects::default(),
            disk: weather.disk.map(|_| Disk::default()),
            weather,
            run: RunId::new(),
            ids: RefCell::new(tasks.iter().map(|task| (task.index, task.id)).collect()),
            tasks,
            reports: RefCell::default(),
            cancelled: RefCell::default(),
            has_stalled: Cell::new(false),
            has_moved: Cell::new(false),
            shortages: Cell::new(0),
            breaches: Breaches::default(),
            trace: Trace::default(),
        }
    }

    /// What a caller asks for, for the first time or of a conversation that goes on.
    pub(super) fn request(&self, task: &SimTask, sitting: usize) -> RunTask<String> {
        let of_first = (prompt(task.index), self.run, self.weather.limits);
        let mut asked = match sitting {
            0 => RunTask::new(WORKER, of_first.0).in_run(of_first.1).run_limits(of_first.2),
            _ => RunTask::new("anybody", next_prompt(sitting)).resume(task.id),
        };
        asked = asked.timeout(task.plan.deadline).priority(task.plan.priority);
        asked.request.tokens_max = task.plan.tokens_max;
        asked.request.id = task.id;
        asked
    }

    /// Times that a task has ended, as the disk says.
    pub(super) fn sat(&self, task: TaskId) -> usize {
        self.disk.as_ref().map_or(0, |disk| disk.sat(task))
    }

    /// Whether the disk says that a task has ended for good: then nobody asks for it any longer.
    pub(super) fn is_over(&self, task: &SimTask) -> bool {
        self.sat(task.id) >= task.plan.sittings && self.family(task.index).is_empty()
    }

    /// Whether the disk knows nothing of a task.
    pub(super) fn is_unheard(&self, task: &SimTask) -> bool {
        let is_known = |disk: &Disk| disk.unfinished().iter().any(|image| image.request().id == task.id);
        self.sat(task.id) == 0 && !self.disk.as_ref().is_some_and(is_known)
    }

    /// Which task has reported in which sitting, as the disk has it.
    pub(super) fn reports_on_disk(&self) -> BTreeSet<(usize, usize)> {
        let results = self.disk.as_ref().map(Disk::results).unwrap_or_default();
        results.iter().filter_map(|(task, text)| sitting_of(self.number_of(*task)?, text)).collect()
    }

    /// A task and those that its agents have asked for, as far as they have begun and not ended.
    pub(super) fn family(&self, root: usize) -> Vec<TaskImage> {
        let unfinished = self.disk.as_ref().map(Disk::unfinished).unwrap_or_default();
        let is_of_family = |image: &TaskImage| {
            self.number_of_request(image.request()).is_some_and(|task| root_of(task) == root)
        };
        unfinished.into_iter().filter(is_of_family).collect()
    }

    /// The number of a task that is known.
    pub(super) fn number_of(&self, task: TaskId) -> Option<usize> {
        self.ids.borrow().iter().find(|(_, id)| **id == task).map(|(number, _)| *number)
    }

    /// A task that is known, by its number.
    pub(super) fn id_of(&self, task: usize) -> Option<TaskId> {
        self.ids.borrow().get(&task).copied()
    }

    /// The tasks that agents have asked for.
    pub(super) fn nested(&self) -> Vec<(usize, TaskId)> {
        let ids = self.ids.borrow();
        ids.iter().filter(|(task, _)| parent_of(**task).is_some()).map(|(task, id)| (*task, *id)).collect()
    }

    /// The number of the task that an event is about. Who has asked for it is known from then on.
    pub(super) fn number_of_event(&self, event: &TaskEvent) -> Option<usize> {
        let description = match &event.kind {
            TaskEventKind::Queued { description, .. } | TaskEventKind::Started { description, .. } => {
                description
            }
            TaskEventKind::Finished(report) => &report.description,
            _ => &None,
        };
        let number = self.number_of(event.task).or_else(|| number_in(description.as_deref()?))?;
        let known = *self.ids.borrow_mut().entry(number).or_insert(event.task);
        self.breaches.expect(known == event.task, || format!("task {number} was asked for twice"));
        let parent = parent_of(number).and_then(|parent| self.ids.borrow().get(&parent).copied());
        self.breaches.expect(parent == event.parent, || format!("task {number} has another parent"));
        Some(number)
    }

    fn number_of_request(&self, request: &TaskRequest) -> Option<usize> {
        self.number_of(request.id).or_else(|| number_in(request.description.as_deref()?))
    }
}

/// A task, and the sitting of its that has this report.
pub(super) fn sitting_of(task: usize, text: &str) -> Option<(usize, usize)> {
    let sitting = (0..SITTINGS_MAX).find(|sitting| *text == report(task, *sitting))?;
    Some((task, sitting))
}

fn number_in(description: &str) -> Option<usize> {
    description.strip_prefix(TASK)?.parse().ok()
}
