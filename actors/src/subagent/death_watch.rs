//! The last will of an agent's actor.

use std::sync::Arc;

use actix::Addr;

use crate::messages::SubagentGone;
use crate::supervisor::SupervisorActor;
use crate::task::TaskId;

/// Tells the supervisor that its owner is gone, however that came about: a panic, a dead Arbiter, an actor that could
/// never start. A field of every subagent actor, made before the actor is started.
pub(crate) struct DeathWatch {
    gone: Option<SubagentGone>,
    supervisor: Arc<Addr<SupervisorActor>>,
}

impl DeathWatch {
    /// Watches one incarnation of a task.
    pub(crate) fn new(task: TaskId, generation: u64, supervisor: Arc<Addr<SupervisorActor>>) -> Self {
        let gone = SubagentGone { task, generation, panic: None };
        Self { gone: Some(gone), supervisor }
    }

    /// The agent has reported its ending: nothing is left to tell.
    pub(crate) fn disarm(&mut self) {
        self.gone = None;
    }

    /// The agent panicked with this message: told when the owner is dropped.
    pub(crate) fn note_panic(&mut self, message: String) {
        if let Some(gone) = &mut self.gone {
            gone.panic = Some(message);
        }
    }
}

impl Drop for DeathWatch {
    /// Never panics: a panic here, during unwinding, would end the process.
    #[expect(clippy::disallowed_methods, reason = "a lifecycle event that a full mailbox must not refuse")]
    fn drop(&mut self) {
        if let Some(mut gone) = self.gone.take() {
            if gone.panic.is_none() && std::thread::panicking() {
                gone.panic = Some("panic in the actor".to_owned());
            }
            self.supervisor.do_send(gone);
        }
    }
}
