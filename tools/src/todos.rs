//! The to-do list of one agent.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// How far a step of a to-do list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// It has not begun.
    Pending,
    /// It is being done.
    InProgress,
    /// It is done.
    Completed,
}

/// One step of a to-do list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Todo {
    /// What is to be done.
    pub content: String,
    /// How far it is.
    pub status: TodoStatus,
    /// The same while it is done, for people who watch.
    pub active_form: String,
}

/// The list of one agent's session. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct TodoList {
    /// Held for single look-ups only.
    todos: Arc<Mutex<Vec<Todo>>>,
}

impl TodoList {
    /// The steps as they are now.
    pub fn todos(&self) -> Vec<Todo> {
        self.todos.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The list as lines of text, for a model that has lost sight of it; empty without any step.
    pub fn text(&self) -> String {
        let line = |todo: &Todo| match todo.status {
            TodoStatus::Pending => format!("- [ ] {}", todo.content),
            TodoStatus::InProgress => format!("- [~] {} (now)", todo.content),
            TodoStatus::Completed => format!("- [x] {}", todo.content),
        };
        self.todos().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn replace(&self, todos: Vec<Todo>) {
        *self.todos.lock().unwrap_or_else(PoisonError::into_inner) = todos;
    }
}
