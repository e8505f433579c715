//! Chat backends: one folder per wire format behind one trait, streaming first.
//!
//! Invariant: nothing here retries, limits or chooses a provider for a running task; each call is one HTTP request.

mod backend;
mod chat;
mod error;

pub use backend::{ChatBackend, ChatStream, ModelLimits};
pub use chat::{
    AssistantPart, AssistantTurn, ChatEvent, ChatReply, ChatRequest, Message, OutputSchema, ProviderState,
    RateLimits, RateWindow, StopReason, ToolCall, ToolResult, ToolSpec, UserPart, UserTurn,
};
pub use error::{ProviderError, Remedy, WaitingFor};
