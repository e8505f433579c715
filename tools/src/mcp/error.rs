//! Why a server gives no answer.

use std::time::Duration;

use crate::ToolError;

/// A server that could not be used. `Display` completes "MCP server 'x' ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum McpError {
    #[error("is not defined completely: {0}")]
    Definition(String),
    #[error("cannot be started: {0}")]
    Start(String),
    #[error("did not begin as an MCP server does: {0}")]
    Handshake(String),
    #[error("was not ready within {} seconds{last_words} (MCP_TIMEOUT sets the time, in milliseconds)", after.as_secs_f64())]
    StartTimedOut { after: Duration, last_words: String },
    #[error("ended{0}")]
    Ended(String),
    #[error("ended or failed {times} times and is not started again; at last it {last}")]
    GivenUp { times: u32, last: Box<McpError> },
    #[error("is closed")]
    Closed,
}

impl McpError {
    /// What the model reads.
    pub(super) fn for_model(&self, server: &str) -> ToolError {
        match self {
            Self::Closed => ToolError::Cancelled,
            Self::StartTimedOut { .. } => ToolError::TimedOut(format!("MCP server '{server}' {self}.")),
            Self::Definition(_)
            | Self::Start(_)
            | Self::Handshake(_)
            | Self::Ended(_)
            | Self::GivenUp { .. } => ToolError::Failed(format!("MCP server '{server}' {self}.")),
        }
    }
}
