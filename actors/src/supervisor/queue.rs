//! Tasks that wait for a slot: the highest priority first, within it the oldest. Nothing is refused for being many.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::task::{Priority, TaskId};

/// The order of waiting tasks. Ids are UUIDv7, so the smaller id is the older task.
#[derive(Debug, Default)]
pub(crate) struct TaskQueue {
    waiting: BTreeSet<(Reverse<Priority>, TaskId)>,
}

impl TaskQueue {
    /// Adds a task and tells how many are before it.
    pub(crate) fn push(&mut self, priority: Priority, task: TaskId) -> usize {
        let key = (Reverse(priority), task);
        self.waiting.insert(key);
        // Usually it is the last one: then there is nothing to count.
        if self.waiting.last() == Some(&key) { self.waiting.len() - 1 } else { self.before(priority, task) }
    }

    /// Tasks that go before this one.
    pub(crate) fn before(&self, priority: Priority, task: TaskId) -> usize {
        self.waiting.range(..(Reverse(priority), task)).count()
    }

    /// Takes the next task.
    pub(crate) fn pop(&mut self) -> Option<TaskId> {
        self.waiting.pop_first().map(|(_, task)| task)
    }

    /// All of them, in their order.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.waiting.iter().map(|(_, task)| *task)
    }

    /// Takes out a task that is no longer wanted.
    pub(crate) fn remove(&mut self, priority: Priority, task: TaskId) {
        self.waiting.remove(&(Reverse(priority), task));
    }

    /// Tasks that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_goes_before_age_and_age_before_nothing() {
        let mut queue = TaskQueue::default();
        let [a, b, c, d] = [TaskId::new(), TaskId::new(), TaskId::new(), TaskId::new()];
        assert_eq!(queue.push(Priority::Normal, a), 0);
        assert_eq!(queue.push(Priority::Low, b), 1);
        assert_eq!(queue.push(Priority::High, c), 0);
        assert_eq!(queue.push(Priority::Normal, d), 2);
        queue.remove(Priority::Normal, a);
        assert_eq!([queue.pop(), queue.pop(), queue.pop(), queue.pop()], [Some(c), Some(d), Some(b), None]);
    }
}
