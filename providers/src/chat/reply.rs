//! What a finished model call gives.

use codex_task_config::{ModelId, TokenUsage};
use serde::{Deserialize, Serialize};

use super::{AssistantTurn, SearchTrace};

/// Why the model stopped, in normal form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model has finished its answer.
    EndTurn,
    /// The model wants tools run.
    ToolUse,
    /// The output limit was reached.
    MaxTokens,
    /// A stop sequence was met.
    StopSequence,
    /// The server paused a long turn: send the conversation again as it is (Anthropic `pause_turn`).
    Pause,
    /// The model or a filter refused; billed all the same.
    Refused {
        /// The provider's category, where it gave one.
        category: Option<String>,
    },
    /// Prompt and output together reached the context window.
    ContextWindowFull,
    /// The model produced a call or an answer that the server itself could not read: retry once.
    Malformed,
    /// A value this version does not know.
    Other(String),
}

/// A finished model call.
#[derive(Clone, Debug)]
pub struct ChatReply {
    /// The turn to append to the conversation.
    pub turn: AssistantTurn,
    /// Why it ended.
    pub stop: StopReason,
    /// Tokens, in normal form.
    pub usage: TokenUsage,
    /// Whether `usage` is an estimate, because the provider sent none.
    pub usage_estimated: bool,
    /// The model that answered, where the provider names it: may differ from the one asked for.
    pub model: Option<ModelId>,
    /// The provider's id of the request, for support.
    pub request_id: Option<String>,
    /// What the provider searched for itself.
    pub search: SearchTrace,
}
