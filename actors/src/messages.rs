//! Messages that more than one actor sends or hears.

use std::marker::PhantomData;

use actix::Message;

use crate::journal::JournalAck;
use crate::provider::{ProviderCounters, ProviderHealth};
use crate::subagent::{CheckpointStep, Ending};
use crate::task::TaskId;

/// Ends a task wherever it is: waiting, calling a model, running tools. The caller of the task gets
/// [`crate::Outcome::Cancelled`] with the text that exists by then. Replies whether the task was still there.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "bool")]
pub struct CancelTask {
    /// The task.
    pub task: TaskId,
}

/// Takes no new tasks from now on and replies when the last one has ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Ends the tasks that wait for a slot. Replies how many there were.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "usize")]
pub struct CancelQueued;

/// Makes the actor that gets it panic, as if by its own fault: the supervisor, the aggregator or a provider's. For tests and
/// for operators who want to see what happens.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Fail;

/// Asks an actor for its counters `C`: each actor knows one kind.
#[derive(Clone, Copy, Debug)]
pub struct Observe<C>(PhantomData<fn() -> C>);

impl<C> Observe<C> {
    /// The question.
    #[expect(clippy::new_without_default, reason = "a message is made, never a default value")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C: Send + 'static> Message for Observe<C> {
    type Result = C;
}

/// Asks the supervisor for the counters of every provider that was used so far, in the order of their names.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<ProviderCounters>")]
pub struct ListProviders;

/// Asks the supervisor how many tasks go before this one; `None` when it does not wait for a slot.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<usize>")]
pub struct AskPlace {
    /// The task.
    pub task: TaskId,
}

/// Asks the supervisor how every provider is that was used so far, in the order of their names.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<ProviderHealth>")]
pub struct AskHealth;

/// An incarnation of a subagent is gone without having reported an ending.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SubagentGone {
    pub(crate) task: TaskId,
    pub(crate) generation: u64,
    /// The panic's message; `None` when the actor did not die of its own fault (its Arbiter ended).
    pub(crate) panic: Option<String>,
}

/// A subagent has come one step further. Ignored when the generation is not the current one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SubagentStepped {
    pub(crate) task: TaskId,
    pub(crate) generation: u64,
    pub(crate) step: CheckpointStep,
    /// Told when the step is on disk. Dropped with a step that is ignored.
    pub(crate) recorded: Option<JournalAck>,
}

/// A subagent has come to its end. Ignored when the generation is not the current one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SubagentFinished {
    pub(crate) task: TaskId,
    pub(crate) generation: u64,
    pub(crate) ending: Box<Ending>,
}
