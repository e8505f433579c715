//! Who runs and who waits. Each depth has slots of its own: a task that waits for tasks of its own holds a slot while
//! they need theirs, and tasks that wait for each other's slots would wait for ever.

use codex_task_config::Limits;

use super::queue::TaskQueue;
use crate::task::{Priority, TaskId, TaskRequest};

/// Depths that have slots: the main agent's and those of tasks.
const DEPTHS: usize = Limits::DEPTH_MAX as usize + 1;

/// The slots and queues of all depths.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    depths: [Depth; DEPTHS],
}

/// Those of one depth.
#[derive(Debug, Default)]
struct Depth {
    running: usize,
    queue: TaskQueue,
}

/// Where a task stands in the slots: kept by the task, so that it leaves where it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotKey {
    depth: usize,
    priority: Priority,
}

impl SlotKey {
    pub(super) fn of(request: &TaskRequest) -> Self {
        // Deeper than anybody may go there is nobody who waits for anybody.
        let depth = usize::try_from(request.lineage.depth).map_or(DEPTHS - 1, |depth| depth.min(DEPTHS - 1));
        Self { depth, priority: request.priority }
    }
}

impl Slots {
    /// So many slots at each depth.
    pub(super) fn new(max: usize) -> Self {
        Self { max, depths: Default::default() }
    }

    /// Adds a task; gives the number of those before it if it has to wait.
    pub(super) fn push(&mut self, key: SlotKey, task: TaskId) -> Option<usize> {
        let max = self.max;
        let depth = self.depths.get_mut(key.depth)?;
        let before = depth.queue.push(key.priority, task);
        (depth.running >= max).then_some(before)
    }

    /// Tasks that go before one that waits.
    pub(super) fn before(&self, key: SlotKey, task: TaskId) -> usize {
        self.depths.get(key.depth).map_or(0, |depth| depth.queue.before(key.priority, task))
    }

    /// The next task that has a slot; it holds it from now on.
    pub(super) fn take(&mut self) -> Option<TaskId> {
        let max = self.max;
        self.depths.iter_mut().filter(|depth| depth.running < max).find_map(|depth| {
            let task = depth.queue.pop()?;
            depth.running += 1;
            Some(task)
        })
    }

    /// A task that held a slot needs it no longer.
    pub(super) fn leave(&mut self, key: SlotKey) {
        if let Some(depth) = self.depths.get_mut(key.depth) {
            debug_assert!(depth.running > 0, "nobody leaves twice");
            depth.running = depth.running.saturating_sub(1);
        }
    }

    /// A task that waits is no longer wanted.
    pub(super) fn remove(&mut self, key: SlotKey, task: TaskId) {
        if let Some(depth) = self.depths.get_mut(key.depth) {
            depth.queue.remove(key.priority, task);
        }
    }

    /// Another number of slots at each depth. Those that are held beyond it are not taken away.
    pub(super) fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Tasks that hold a slot at the depth that has most of them.
    pub(super) fn running_most(&self) -> usize {
        self.depths.iter().map(|depth| depth.running).max().unwrap_or(0)
    }

    /// Tasks that wait, the least deep first.
    pub(super) fn queue(&self) -> Vec<TaskId> {
        self.depths.iter().flat_map(|depth| depth.queue.tasks()).collect()
    }

    /// Tasks that hold a slot.
    pub(super) fn running(&self) -> usize {
        self.depths.iter().map(|depth| depth.running).sum()
    }

    /// Tasks that wait for one.
    pub(super) fn queued(&self) -> usize {
        self.depths.iter().map(|depth| depth.queue.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Lineage, RunTask};

    fn key(depth: u32) -> SlotKey {
        let mut task = RunTask::<String>::new("a", "p");
        task.request.lineage = Lineage { depth, ..Lineage::default() };
        SlotKey::of(&task.request)
    }

    #[test]
    fn a_full_depth_holds_up_no_deeper_one() {
        let mut slots = Slots::new(1);
        let [main, child, waiting, grandchild] = [TaskId::new(), TaskId::new(), TaskId::new(), TaskId::new()];
        assert_eq!((slots.push(key(0), main), slots.take()), (None, Some(main)));
        assert_eq!((slots.push(key(1), child), slots.take()), (None, Some(child)));
        assert_eq!((slots.push(key(1), waiting), slots.take()), (Some(0), None));
        assert_eq!((slots.push(key(2), grandchild), slots.take()), (None, Some(grandchild)));
        assert_eq!((slots.running(), slots.queued()), (3, 1));
        slots.leave(key(1));
        assert_eq!(slots.take(), Some(waiting));
        slots.remove(key(1), waiting);
        assert_eq!(slots.queued(), 0);
    }

    #[test]
    fn what_lies_deeper_than_allowed_shares_the_last_depth() {
        assert_eq!(key(99), key(Limits::DEPTH_MAX));
    }
}
