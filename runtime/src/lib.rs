//! Claude Code's Task tool as an embeddable runtime: subagents from `.claude/agents/*.md`, side by side, each in its
//! own context window with only its own tools, on Anthropic, OpenAI, Gemini or a local model.
//!
//! ```no_run
//! use codex_task::{Outcome, RunTask, Runtime};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().start()?;
//! let task = RunTask::<String>::new("code-reviewer", "Review src/auth.rs").description("Security review");
//! let report = runtime.run(task).await?;
//! match report.outcome {
//!     Outcome::Completed(text) => tracing::info!(text),
//!     other => tracing::warn!(status = ?other.status(), partial = other.partial()),
//! }
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The runtime owns its threads (actix needs some of its own); the handle is `Clone + Send + Sync` and is used from
//! any thread or runtime, a multi-thread tokio among them.

#[cfg(feature = "store")]
pub mod audit;
mod audited;
mod builder;
#[cfg(feature = "store")]
mod cancelling;
mod consensus;
mod event_sink;
mod handle;
mod health;
mod heartbeat;
pub mod json;
mod one_thread;
mod panic_hook;
mod place;
mod pressure;
mod private;
mod prompt;
#[cfg(feature = "store")]
mod resume;
mod start_error;
#[cfg(feature = "store")]
pub mod store;
mod task_tool;
mod telemetry;
mod threads;
mod tidying;

pub use builder::{PreparedRuntime, RuntimeBuilder};
pub use codex_task_actors::{
    AggregatorActor, AggregatorCounters, Attempt, Audit, AuditAck, AuditError, AuditEvent, AuditRecord,
    AuditSubject, AwaitRecall, Ballot, BoardEntry, BoardState, CallEnd, CallId, CallReport, CancelTask,
    ClassHealth, CloseRun, CollectRun, Conversation, Delegate, Dice, Fail, FailProvider, HealthState,
    Journal, JournalAck, JournalEntry, JournalError, KeptWorktree, LimitHealth, LimitsHealth, Lineage,
    Narrowing, NoPressure, Observe, OpenRun, Outcome, Pressure, PressureSampler, Priority, ProviderCounters,
    ProviderHealth, RestartPolicy, RetireWorker, RunId, RunReport, RunTask, RunTasks, Shortage,
    SupervisorActor, SupervisorCounters, TaskBoard, TaskError, TaskEvent, TaskEventKind, TaskId, TaskImage,
    TaskReport, TaskRequest, TaskStatus, TaskTiming,
};
pub use codex_task_config::{
    BudgetLimits, Environment, Isolation, MAIN_AGENT, MicroUsd, ModelChoice, PermissionMode, SandboxMode,
    SavedUsd, TokenUsage,
};
pub use codex_task_tools::{
    Approval, ApprovalRequest, Approver, Confinement, GrantScope, HostCommand, HostOutput, HostTools,
    Lasting, ToolError,
};
pub use consensus::{Claim, Confidence, Consensus, ConsensusRequest, Dispute, Verdict, Voter};
pub use event_sink::EventSink;
pub use handle::{RuntimeHandle, ShutdownReport, TaskFuture};
pub use health::RuntimeHealth;
pub use prompt::ExpandedPrompt;
#[cfg(feature = "store")]
pub use resume::{ResumeError, Resumed};
pub use start_error::StartError;
pub use task_tool::{TaskTool, TaskToolSpec, ToolAnswer, ToolCaller, ToolCatalog};
pub use telemetry::SPAN_TARGET;

/// Where a runtime begins.
#[derive(Clone, Copy, Debug)]
pub struct Runtime;

impl Runtime {
    /// A runtime with the process's environment, settings and agents, unless told otherwise.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }
}
