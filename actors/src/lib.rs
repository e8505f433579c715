//! The actors: a supervisor, one actor per running subagent, one per provider, and an aggregator; with the messages
//! that they exchange. Nothing else: no files, no HTTP, no terminal.
//!
//! Invariants: a context window is owned by one actor and seen by no other; a task is answered exactly once; an actor
//! that panics takes nobody else down (`stopping` is never overridden and no `Drop` of an actor can panic, because a
//! panic there would end the process).

mod aggregator;
mod audit;
mod budget;
mod dice;
mod io_runtime;
mod journal;
mod messages;
mod own_addr;
mod provider;
mod seat;
mod subagent;
mod supervisor;
mod task;

pub use aggregator::{
    AggregatorActor, AggregatorCounters, CloseRun, CollectRun, EventBus, EventTap, OpenRun, RunUnknown,
};
pub use audit::{
    Audit, AuditAck, AuditError, AuditEvent, AuditRecord, AuditSubject, JudgedCall, ModelRequest, TaskSpawn,
};
pub use budget::Spent;
pub use dice::Dice;
pub use io_runtime::IoRuntime;
pub use journal::{
    Admission, ImageError, Journal, JournalAck, JournalEntry, JournalError, JournalStep, Taken, Tallied,
    TaskImage, Transcript,
};
pub use messages::{AskHealth, AskPlace, CancelQueued, CancelTask, Drain, Fail, ListProviders, Observe};
pub use provider::{
    ClassHealth, FailProvider, HealthState, LimitHealth, LimitsHealth, ProviderActor, ProviderCounters,
    ProviderHealth,
};
pub use seat::Seat;
pub use supervisor::{
    AwaitRecall, BoardEntry, BoardState, ContinueTask, Delegate, Delegation, NoPressure, Pressure,
    PressureSampler, RestartPolicy, RetireWorker, RunTasks, Services, SessionFacts, Shortage,
    SupervisorActor, SupervisorCounters, TaskBoard, WorkerFactory, WorkerHost,
};
pub use task::{
    Attempt, Ballot, CallEnd, CallId, CallReport, Conversation, KeptWorktree, Lineage, Narrowing, Outcome,
    Priority, RunId, RunReport, RunTask, TaskError, TaskEvent, TaskEventKind, TaskId, TaskReport,
    TaskRequest, TaskStatus, TaskTiming,
};
