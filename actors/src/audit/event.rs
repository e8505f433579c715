//! What happens to a task, for the audit trail. Cheap to make: texts are shared, and whoever writes them down hashes them.

use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{MicroUsd, ModelId, ProviderName, TokenUsage};
use codex_task_providers::ToolResult;
use codex_task_tools::{CallFate, Confinement, DecidingRule, Decision, Rights};
use serde_json::Value;

use crate::task::{TaskReport, TaskRequest};

/// What has happened.
#[derive(Clone, Debug)]
pub enum AuditEvent {
    /// A task was taken.
    TaskSpawned(Box<TaskSpawn>),
    /// A task could not begin.
    TaskRefused {
        /// The short name of the reason.
        error: &'static str,
    },
    /// A model call has come to its end, or was given up.
    Requested(Box<ModelRequest>),
    /// It is settled whether a tool call runs.
    CallJudged(Box<JudgedCall>),
    /// A tool call begins.
    CallStarted {
        /// The tool.
        tool: Arc<str>,
        /// The call within its turn.
        call_id: Arc<str>,
        /// Its arguments, as they run.
        arguments: Arc<Value>,
    },
    /// A tool call has ended.
    CallEnded {
        /// What the model reads of it.
        result: ToolResult,
        /// How long it took.
        duration: Duration,
    },
    /// The task goes on with another model.
    RouteChanged {
        /// `provider/model` that was left.
        from: String,
        /// `provider/model` that is taken.
        to: String,
        /// The short name of the reason.
        cause: &'static str,
    },
    /// A model call is made again.
    Retried {
        /// `provider/model`.
        route: String,
        /// The short name of the reason.
        cause: &'static str,
        /// After this wait.
        after: Duration,
    },
    /// Somebody has asked for the end of the task.
    CancelAsked,
    /// The agent's actor has died.
    Panicked {
        /// The panic's own words, which may quote what the agent was reading.
        cause: Arc<str>,
    },
    /// The agent starts again from its last step.
    Restarted {
        /// How often by now.
        restarts: u32,
    },
    /// The task has ended.
    TaskEnded(Arc<TaskReport>),
}

/// What a task begins with.
#[derive(Clone, Debug)]
pub struct TaskSpawn {
    /// What was asked for.
    pub request: Arc<TaskRequest>,
    /// Whether the conversation has begun before.
    pub is_resumed: bool,
    /// What the agent may do.
    pub rights: Rights,
    /// Hash of the agent's system prompt and tools.
    pub prefix: Arc<str>,
    /// The tools that it has from the beginning.
    pub tools: Vec<Arc<str>>,
    /// Where its model calls may go, in order.
    pub routes: Vec<String>,
}

/// One model call.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// Where it went.
    pub provider: ProviderName,
    /// Which model was asked for.
    pub model: ModelId,
    /// Number of the attempt within the task, from 1; 0 for a call that a tool has made.
    pub attempt: usize,
    /// The provider's own name for the call, where it gave one.
    pub request_id: Option<String>,
    /// The short name of the failure; `None` for an answer.
    pub error: Option<&'static str>,
    /// Tokens.
    pub usage: TokenUsage,
    /// What it cost, where the price is known.
    pub cost: Option<MicroUsd>,
    /// From the request to its end.
    pub duration: Duration,
}

/// What was decided about one tool call.
#[derive(Clone, Debug)]
pub struct JudgedCall {
    /// The tool.
    pub tool: Arc<str>,
    /// The call within its turn.
    pub call_id: Arc<str>,
    /// Its arguments, where they can be read; of a call that runs they stand with its beginning.
    pub arguments: Option<Arc<Value>>,
    /// What the gate said, if it was asked.
    pub decision: Option<Decision>,
    /// The rule that decided, if one did.
    pub rule: Option<DecidingRule>,
    /// Why.
    pub reason: Option<String>,
    /// What holds the call back while it runs.
    pub confinement: Option<Confinement>,
    /// What becomes of it.
    pub fate: CallFate,
}
