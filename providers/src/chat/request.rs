//! One model call.

use std::sync::Arc;

use codex_task_config::{Effort, ModelId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Message, WebSearch};

/// A tool as it is offered to a model.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// The name that the model calls.
    pub name: Arc<str>,
    /// What it does, for the model.
    pub description: Arc<str>,
    /// JSON schema of its arguments: an object schema, `additionalProperties: false`.
    pub input_schema: Arc<RawValue>,
}

/// A JSON schema that the final answer must follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutputSchema {
    /// A name for it: letters, digits, `_` and `-`, at most 64 characters (OpenAI requires one).
    pub name: Arc<str>,
    /// The schema.
    pub schema: Arc<serde_json::Value>,
}

/// One model call in neutral form. Cheap to clone: everything large is shared.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The model, in the provider's own spelling.
    pub model: ModelId,
    /// The system prompt. Stable for an agent type (no clock, no paths), so that prompt caches hit.
    pub system: Arc<str>,
    /// Tools offered, sorted by name by whoever builds the request: their order is part of the cached prefix.
    pub tools: Arc<[ToolSpec]>,
    /// The conversation: begins with a user turn, ends with a user turn, roles alternate.
    pub messages: Vec<Arc<Message>>,
    /// Most tokens to generate; `None` leaves it to the model's own limit.
    pub max_output_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2: sent where the model accepts it, else dropped (see `ChatBackend::warnings`).
    pub temperature: Option<f32>,
    /// How much to reason.
    pub effort: Option<Effort>,
    /// The form of the final answer.
    pub output: Option<OutputSchema>,
    /// Hash of tools and system prompt: requests with the same value share a cached prefix.
    pub cache_key: Arc<str>,
    /// Lets the provider search the web itself, where [`crate::ChatBackend::searches`] says that it can.
    pub search: Option<WebSearch>,
}

impl ChatRequest {
    /// Leaves out what a server calls by this name, in whatever format; unknown names change nothing.
    pub fn leave_out(&mut self, parameter: &str) {
        let is = |names: &[&str]| names.iter().any(|name| parameter.contains(name));
        if is(&["temperature", "top_p", "top_k"]) {
            self.temperature = None;
        }
        if is(&["effort", "reasoning", "thinking", "budget_tokens", "output_config"]) {
            self.effort = None;
        }
        if is(&["max_tokens", "max_output_tokens", "maxOutputTokens", "max_completion_tokens"]) {
            self.max_output_tokens = None;
        }
        if is(&["responseJsonSchema", "response_format"]) {
            self.output = None;
        }
    }
}
