//! Why a tool call failed, in words that a model can act on.

/// A failed tool call. `Display` is what the model reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The call was not made as the schema says; Claude Code's `InputValidationError` texts.
    #[error("{0}")]
    Input(String),
    /// The gate refused the call; Claude Code's text.
    #[error("{0}")]
    Refused(String),
    /// The tool ran and failed: file not found, text not unique, command failed.
    #[error("{0}")]
    Failed(String),
    /// The tool took longer than it may.
    #[error("{0}")]
    TimedOut(String),
    /// The task was cancelled while the tool ran.
    #[error("cancelled")]
    Cancelled,
}
