//! The neutral form of a conversation: what the agent loop speaks and every wire format is translated to and from.

mod event;
mod message;
mod reply;
mod request;
mod search;
#[cfg(test)]
pub(crate) mod testing;

pub use event::{ChatEvent, RateLimits, RateWindow};
pub use message::{
    AssistantPart, AssistantTurn, Message, ProviderState, ToolCall, ToolResult, UserPart, UserTurn,
};
pub use reply::{ChatReply, StopReason};
pub use request::{ChatRequest, OutputSchema, ToolSpec};
pub use search::{SearchHit, SearchTrace, WebSearch};
