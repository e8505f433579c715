//! Tools with which an agent starts agents. They belong to whoever knows the Task tool; here is only who gets them.

use std::sync::Arc;

use codex_task_config::BudgetLimits;
use codex_task_tools::Tool;

use crate::task::{Lineage, RunId, TaskId};

/// Makes the tools with which one agent starts others.
pub trait Delegation: Send + Sync {
    /// The tools of one agent. They live as long as its task.
    fn tools(&self, delegate: Delegate) -> Vec<Arc<dyn Tool>>;
}

/// The agent that gets such tools.
#[derive(Clone, Debug)]
pub struct Delegate {
    /// Its task.
    pub task: TaskId,
    /// The run of its task, which is that of the tasks that it starts.
    pub run: RunId,
    /// What its run may take, as far as whoever began it has said.
    pub run_limits: BudgetLimits,
    /// What those tasks begin with.
    pub children: Lineage,
}
