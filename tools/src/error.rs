//! Why a tool call failed, in words that a model can act on.

/// A failed tool call. `Display` is what the model reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The call was not made as the schema says, or does not fit the files that it is about (a file that was not read, a
    /// text that is not there): Claude Code's texts, which it puts into a `<tool_use_error>` tag.
    #[error("{0}")]
    Input(String),
    /// The gate refused the call; Claude Code's text.
    #[error("{0}")]
    Refused(String),
    /// The tool ran and failed: the system refused, the command failed.
    #[error("{0}")]
    Failed(String),
    /// The tool took longer than it may.
    #[error("{0}")]
    TimedOut(String),
    /// The task was cancelled while the tool ran.
    #[error("cancelled")]
    Cancelled,
}
