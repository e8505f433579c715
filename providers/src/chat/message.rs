//! Turns of a conversation. Turns are shared (`Arc`) between the context window, checkpoints and requests.

use std::sync::Arc;

use codex_task_config::{Attachment, ModelId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One turn. Tagged from outside when stored: an inner tag would not survive the raw JSON of [`ProviderState`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// What the runtime says: the prompt, tool results, reminders.
    User(UserTurn),
    /// What the model said.
    Assistant(AssistantTurn),
}

/// A user turn: results first, then texts, as Anthropic wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTurn {
    /// Parts in wire order.
    pub parts: Vec<UserPart>,
}

/// A part of a user turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserPart {
    /// Text.
    Text {
        /// The text.
        text: Arc<str>,
    },
    /// The answer to one tool call of the previous assistant turn; each call has exactly one.
    ToolResult(ToolResult),
}

/// The answer to one tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// [`ToolCall::id`] of the call that this answers.
    pub call_id: Arc<str>,
    /// The tool's name: Gemini wants it again beside the result.
    pub tool: Arc<str>,
    /// What the model reads.
    pub text: Arc<str>,
    /// Whether the call failed.
    pub is_error: bool,
    /// What the model looks at beside the text; none beside a failure, where Anthropic takes none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// An assistant turn in neutral form, with the provider's own form of it beside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AssistantTurn {
    /// Texts and tool calls in the order in which they came.
    pub parts: Vec<AssistantPart>,
    /// The turn as the provider sent it, reasoning state included. Echoed byte for byte to the same provider and
    /// model, left out for any other: the neutral parts are sent instead.
    pub state: Option<ProviderState>,
}

/// A part of an assistant turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AssistantPart {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A request to run a tool.
    ToolCall(ToolCall),
}

/// A model's request to run a tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id, or one of ours (`call_<n>`) where the provider gave none; unique within the turn.
    pub id: Arc<str>,
    /// The tool's name as the model wrote it: may be one that does not exist.
    pub name: Arc<str>,
    /// Arguments as the model wrote them: may be invalid JSON or break the schema. Empty stands for `{}`.
    pub arguments: String,
}

/// A provider's own form of an assistant turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProviderState {
    /// The wire format that wrote it, e.g. `anthropic`.
    pub format: Arc<str>,
    /// The model that wrote it, as asked for.
    pub model: ModelId,
    /// Content blocks (Anthropic), output items (Responses), the message (Chat) or parts (Gemini), byte-exact.
    pub items: Vec<Arc<RawValue>>,
}

impl UserTurn {
    /// A turn of one text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self { parts: vec![UserPart::Text { text: text.into() }] }
    }
}

impl ToolResult {
    /// What the model reads; a failure says something even if the tool did not, since servers refuse an error
    /// without text.
    pub(crate) fn text_or_notice(&self) -> &str {
        let is_silent = self.is_error && self.text.trim().is_empty();
        if is_silent { "(the tool failed without a message)" } else { &self.text }
    }
}

impl AssistantTurn {
    /// The tool calls of the turn, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(call),
            AssistantPart::Text { .. } => None,
        })
    }

    /// The last text of the turn: what Claude Code returns as the result of a subagent.
    pub fn last_text(&self) -> Option<&str> {
        self.parts.iter().rev().find_map(|part| match part {
            AssistantPart::Text { text } if !text.trim().is_empty() => Some(text.as_str()),
            AssistantPart::Text { .. } | AssistantPart::ToolCall(_) => None,
        })
    }

    /// The provider's own form, if this very format and model wrote it; otherwise it must be stripped.
    pub fn state_for(&self, format: &str, model: &ModelId) -> Option<&[Arc<RawValue>]> {
        self.state
            .as_ref()
            .filter(|state| &*state.format == format && state.model == *model)
            .map(|state| state.items.as_slice())
    }
}
