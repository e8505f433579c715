//! How an incarnation tells the supervisor how far it has come, before the effects of what it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::Addr;
use tokio::sync::oneshot;

use super::agent_run::Halt;
use super::checkpoint::CheckpointStep;
use super::stop::StopSignal;
use crate::journal::{Journal, JournalAck, JournalError};
use crate::messages::SubagentStepped;
use crate::supervisor::SupervisorActor;
use crate::task::TaskId;

/// Tells the steps of one incarnation. Cheap to clone: a tool call takes one along to where it runs.
#[derive(Clone)]
pub(crate) struct Steps {
    pub(crate) task: TaskId,
    pub(crate) generation: u64,
    /// The generation that may act: another one when this agent was blocked and has a successor.
    pub(crate) acting: Arc<AtomicU64>,
    pub(crate) stop: StopSignal,
    pub(crate) supervisor: Arc<Addr<SupervisorActor>>,
    /// Where the supervisor writes down what it is told, if anywhere.
    pub(crate) journal: Option<Arc<dyn Journal>>,
}

impl Steps {
    /// Reports a step.
    pub(crate) fn tell(&self, step: CheckpointStep) {
        self.send(step, None);
    }

    /// Reports a step and waits until it is on record. Without a journal it is on record once it is sent.
    ///
    /// # Cancel safety
    /// Dropping the future takes the step not back.
    pub(crate) async fn tell_durably(&self, step: CheckpointStep) -> Result<(), Halt> {
        if self.journal.is_none() {
            self.tell(step);
            return Ok(());
        }
        let (recorded, on_record) = oneshot::channel();
        self.send(step, Some(recorded));
        match on_record.await {
            Ok(recorded) => recorded.map_err(|error| Halt::Error(error.into())),
            // The supervisor does not listen to this agent any longer.
            Err(_) if self.must_stop() => Err(Halt::Stopped),
            Err(_) => Err(Halt::Error(JournalError { detail: "it was closed".to_owned() }.into())),
        }
    }

    /// Whether the agent must do nothing more: it was asked to stop, or another incarnation acts in its place.
    pub(crate) fn must_stop(&self) -> bool {
        self.stop.cause().is_some() || self.is_superseded()
    }

    /// Whether another incarnation acts in the agent's place.
    pub(crate) fn is_superseded(&self) -> bool {
        self.acting.load(Ordering::SeqCst) != self.generation
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "one-way report; a step must not be lost to a full mailbox"
    )]
    fn send(&self, step: CheckpointStep, recorded: Option<JournalAck>) {
        let (task, generation) = (self.task, self.generation);
        self.supervisor.do_send(SubagentStepped { task, generation, step, recorded });
    }
}
