//! MCP servers as data: what a project's `.mcp.json` and an agent's `mcpServers` define, and how variables in them are
//! filled in. Starts nothing, and decides nothing about trust (the settings do).
//!
//! Invariant: no text that leaves this folder through `Debug` or a [`crate::Problem`] shows a value of `env` or
//! `headers`.

mod entry;
mod expand;
mod file;
mod frontmatter;
mod name;
mod server;

pub use expand::McpVariableError;
pub use file::LoadedMcpServers;
pub use frontmatter::{McpServerEntry, mcp_servers_of_frontmatter};
pub use name::{McpNameError, McpServerName};
pub use server::{McpScope, McpServer, McpTransport};
