//! Everything about an agent that is settled before it starts and never changes while it runs.

use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{Effort, ModelInfo, Price, WallClock};
use codex_task_providers::{CallLimits, ChatBackend, OutputSchema, Route, ToolSpec};

use crate::provider::Gate;
use crate::supervisor::{Isolated, Ledger, ServerTools};

/// One way to a model: the backend that speaks to it and the actor that admits calls to it.
#[derive(Clone)]
pub(crate) struct BoundRoute {
    pub(crate) route: Route,
    pub(crate) backend: Arc<dyn ChatBackend>,
    pub(crate) gate: Gate,
    /// What the model costs, if anybody knows.
    pub(crate) price: Option<&'static ModelInfo>,
    /// The class under which the vendor counts the model when it limits calls.
    pub(crate) class: Arc<str>,
    /// How long each part of a call may take.
    pub(crate) patience: CallLimits,
    /// Tokens from which on the provider caches the beginning of a prompt.
    pub(crate) cache_min_tokens: Option<u64>,
}

impl BoundRoute {
    /// The list price of small prompts today, for people.
    pub(crate) fn list_price(&self) -> Option<Price> {
        Some(self.price?.price_for(0, WallClock::today()))
    }
}

/// The agent as it was when the task was admitted: a later change of its file changes nothing here.
#[derive(Clone)]
pub(crate) struct AgentPlan {
    /// Routes in order of preference; never empty.
    pub(crate) routes: Arc<[BoundRoute]>,
    /// System prompt: stable for the agent type.
    pub(crate) system: Arc<str>,
    /// Tools offered, sorted by name.
    pub(crate) tools: Arc<[ToolSpec]>,
    /// Hash of `tools` and `system`.
    pub(crate) cache_key: Arc<str>,
    pub(crate) temperature: Option<f32>,
    pub(crate) output_tokens_max: Option<u32>,
    pub(crate) effort: Option<Effort>,
    /// Form of the result.
    pub(crate) output: Option<OutputSchema>,
    /// Most model calls.
    pub(crate) turns_max: u32,
    /// From the start of the task to its end.
    pub(crate) timeout: Duration,
    /// Longest single model call.
    pub(crate) call_timeout: Duration,
    /// What the user should know from the start: tools left out, parameters dropped.
    pub(crate) notes: Vec<String>,
    /// What tools have cost that call a model outside the conversation, until the agent has counted it.
    pub(crate) outside: Arc<Ledger>,
    /// Servers whose tools are added when the agent starts.
    pub(crate) servers: Option<Arc<ServerTools>>,
    /// Where the agent works, if apart from the session's own files.
    pub(crate) isolation: Option<Arc<Isolated>>,
}

impl AgentPlan {
    /// Bytes of the prompt before the conversation.
    pub(crate) fn prefix_bytes(&self) -> usize {
        let tools: usize = self.tools.iter().map(|t| t.description.len() + t.input_schema.get().len()).sum();
        self.system.len() + tools
    }
}
