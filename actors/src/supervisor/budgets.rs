//! Which budget a task lives on: its run's, or one of its own within its parent's or its run's.

use std::sync::Arc;

use codex_task_config::BudgetLimits;
use tokio::time::Instant;

use super::SupervisorActor;
use super::record::Beginning;
use crate::budget::Budget;
use crate::journal::Taken;
use crate::task::{RunId, TaskRequest};

/// What a task may take, and until when.
pub(super) struct TaskBudget {
    /// The run's, which all of its tasks share.
    root: Arc<Budget>,
    /// The task's own, or one above it.
    pub(super) budget: Arc<Budget>,
    /// When the time of what stands above the task is over.
    pub(super) deadline: Option<Instant>,
}

impl SupervisorActor {
    /// The budget of a task that is about to be taken, with what was taken of it before.
    pub(super) fn budget_of(&self, beginning: &Beginning) -> TaskBudget {
        let request = beginning.request();
        let taken = beginning.taken();
        let of_run = self.runs.get(&request.run);
        let root = of_run.map_or_else(|| Budget::of_run(self.run_limits(request), taken.run), Arc::clone);
        let parent = request.lineage.parent.and_then(|parent| self.tasks.get(&parent));
        let above = parent.map_or(&root, |parent| &parent.budget);
        let budget = Budget::within(above, request.limits(), taken.tree);
        let parents_end = parent.and_then(|parent| {
            let own = parent.started.and_then(|started| started.checked_add(parent.plan.timeout));
            [own, parent.deadline].into_iter().flatten().min()
        });
        let deadline = [budget.deadline(), parents_end].into_iter().flatten().min();
        TaskBudget { root, budget, deadline }
    }

    fn run_limits(&self, request: &TaskRequest) -> BudgetLimits {
        self.services.settings.limits.budget.narrowed_by(request.run_limits)
    }

    /// The task is taken: it shares its budgets with those that live on them.
    pub(super) fn join_budget(&mut self, run: RunId, joined: &TaskBudget) {
        joined.budget.join();
        self.runs.entry(run).or_insert_with(|| Arc::clone(&joined.root));
    }

    /// The task has ended; with the last one its run is forgotten.
    pub(super) fn leave_budget(&mut self, run: RunId, budget: &Budget) {
        budget.leave();
        if self.runs.get(&run).is_some_and(|root| root.tasks() == 0) {
            self.runs.remove(&run);
        }
    }
}

impl Beginning {
    /// What was taken before of the budgets that the task lives on.
    fn taken(&self) -> Taken {
        match self {
            Self::Fresh(_) => Taken::default(),
            Self::Resumed(image) | Self::Reopened(image) => image.taken(),
        }
    }
}
