//! Whose calls these are: what a person reads who is asked about one.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

/// The task that a session belongs to. Clones are the same task.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The agent's name.
    pub agent: Arc<str>,
    /// The task's id, as text.
    pub task: Arc<str>,
    /// The id of its run, as text: what one call of a host's has started, and all that this has started.
    pub run: Arc<str>,
    /// When the task's time is over; known once it runs.
    ends_at: Arc<OnceLock<Instant>>,
}

impl Owner {
    /// A task of an agent, in a run.
    pub fn new(agent: impl Into<Arc<str>>, task: impl Into<Arc<str>>, run: impl Into<Arc<str>>) -> Self {
        Self { agent: agent.into(), task: task.into(), run: run.into(), ends_at: Arc::default() }
    }

    /// Says when the task's time is over. Its first start counts: a task that is restarted gets no new time.
    pub fn set_end(&self, ends_at: Instant) {
        // A second start says the same.
        let _ = self.ends_at.set(ends_at);
    }

    /// When the task's time is over, where that is known.
    pub fn ends_at(&self) -> Option<Instant> {
        self.ends_at.get().copied()
    }
}

impl Default for Owner {
    /// Nobody in particular: a session outside of any task.
    fn default() -> Self {
        Self::new("", "", "")
    }
}
