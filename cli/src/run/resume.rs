//! `run --resume`: the task whose conversation goes on.

use codex_task::TaskId;
use codex_task::store::{Records, StoreError};

use crate::fault::Fault;
use crate::host::Host;

/// A task on record, and its agent.
pub(super) struct Resumed {
    pub(super) task: TaskId,
    pub(super) agent: String,
}

/// Finds the task that is meant: by its id, by that of its run if that has no other task, or by the last digits of one.
pub(super) fn find(id: &str, host: &Host) -> Result<Resumed, Fault> {
    let unusable = |error: StoreError| {
        Fault::new("the record of runs cannot be used").because(error.to_string()).suggest(error.help())
    };
    let records = Records::of_user(&host.environment).map_err(unusable)?;
    let mut found = records.find_tasks(id).map_err(unusable)?;
    match (found.pop(), found.len()) {
        (Some((task, agent)), 0) => Ok(Resumed { task, agent }),
        (Some(_), _) => Err(Fault::new(format!("'{id}' is not one task"))
            .because("several tasks, or runs of several tasks, begin or end like this")
            .suggest("take the task_id that `codex-task runs show ID --json` shows")),
        (None, _) => Err(Fault::new(format!("there is no task '{id}' to go on with"))
            .because(format!("No transcript found for agent ID: {id}"))
            .suggest("see `codex-task runs list`, or run the agent without --resume")),
    }
}
