//! Names that callers give to their agents, so that they need not remember ids.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use codex_task_actors::TaskId;

/// Names that are kept; the oldest are forgotten first.
const NAMES_MAX: usize = 1_000;

/// The names of one host's agents.
#[derive(Debug, Default)]
pub(super) struct AgentNames(Mutex<VecDeque<(String, TaskId)>>);

impl AgentNames {
    /// Calls a task by a name from now on; a name that was given before means the new task.
    pub(super) fn give(&self, name: &str, task: TaskId) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|(known, _)| known != name);
        names.push_back((name.to_owned(), task));
        if names.len() > NAMES_MAX {
            names.pop_front();
        }
    }

    /// The task that a model means: by its id or by its name.
    pub(super) fn find(&self, text: &str) -> Option<TaskId> {
        let text = text.trim();
        text.parse().ok().or_else(|| {
            let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            names.iter().find(|(known, _)| known == text).map(|(_, task)| *task)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_found_by_its_id_and_by_the_name_that_was_given_last() {
        let (names, one, two) = (AgentNames::default(), TaskId::new(), TaskId::new());
        names.give("reviewer", one);
        assert_eq!(names.find(" reviewer\n"), Some(one));
        names.give("reviewer", two);
        assert_eq!((names.find("reviewer"), names.find(&one.to_string())), (Some(two), Some(one)));
        assert_eq!(names.find("zzz"), None);
        (0..NAMES_MAX).for_each(|n| names.give(&n.to_string(), one));
        assert_eq!(names.find("reviewer"), None, "the oldest names make room");
    }
}
