//! Built-in tools and the one gate that every tool call passes.

mod error;
mod session;
mod tool;

pub use error::ToolError;
pub use session::Session;
pub use tool::{Access, Tool, ToolDefinition, ToolReply};
