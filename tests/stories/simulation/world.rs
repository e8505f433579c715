//! What outlives a process in the simulation: disk, effects, provider, and the callers who want their tasks done.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_task::{RunId, RunTask, TaskId, TaskReport};

use super::backend::{Calls, prompt};
use super::disk::Disk;
use super::plan::{Plan, TaskPlan, Weather};
use super::tools::Effects;
use super::trace::Trace;
use crate::harness::TestProject;

/// See the module.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) weather: Weather,
    pub(super) project: Arc<TestProject>,
    pub(super) calls: Calls,
    pub(super) effects: Effects,
    pub(super) disk: Option<Disk>,
    pub(super) run: RunId,
    /// The last one is the anchor.
    pub(super) tasks: Vec<SimTask>,
    /// What callers were told.
    pub(super) reports: RefCell<BTreeMap<TaskId, TaskReport>>,
    /// Tasks that somebody has cancelled.
    pub(super) cancelled: RefCell<BTreeSet<TaskId>>,
    /// Whether a worker has stalled.
    pub(super) has_stalled: Cell<bool>,
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
        Self {
            plan,
            project: Arc::new(TestProject::new()),
            calls: Calls::default(),
            effects: Effects::default(),
            disk: weather.disk.map(|_| Disk::default()),
            weather,
            run: RunId::new(),
            tasks: plan.tasks().into_iter().enumerate().map(of_plan).collect(),
            reports: RefCell::default(),
            cancelled: RefCell::default(),
            has_stalled: Cell::new(false),
            trace: Trace::default(),
        }
    }

    /// What a caller asks for.
    pub(super) fn request(&self, task: &SimTask) -> RunTask<String> {
        let mut asked = RunTask::new("worker", prompt(task.index))
            .timeout(task.plan.deadline)
            .priority(task.plan.priority)
            .in_run(self.run)
            .run_limits(self.weather.limits);
        asked.request.id = task.id;
        asked
    }

    /// Whether the disk says that a task has ended: then nobody asks for it any longer.
    pub(super) fn is_over(&self, task: &SimTask) -> bool {
        self.disk.as_ref().is_some_and(|disk| !disk.endings(task.id).is_empty())
    }

    pub(super) fn index_of(&self, id: TaskId) -> usize {
        self.tasks.iter().find(|task| task.id == id).expect("a task of the simulation").index
    }
}
