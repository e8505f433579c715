//! Tools of MCP servers.
//!
//! Owns: starting servers when they are first needed, their processes and connections, the tools that they offer, and
//! what has been said about those tools at first sight. Does not decide whether a server may run (the settings do) nor
//! whether a call may (the gate does).
//!
//! Invariants: no server runs that the settings do not trust. A tool is called `mcp__server__tool` and never otherwise,
//! and what a model was told about it stays true for the life of the hub: a tool whose definition changes is switched
//! off. A server sees of the environment what is listed here and in its own definition, and nothing of it outlives the
//! hub or its token.

mod client;
mod connection;
mod environment;
mod error;
mod http;
mod hub;
mod offer;
mod options;
mod pins;
mod redact;
mod reply;
mod schema;
mod server;
mod sse;
mod status;
mod tool;

#[cfg(test)]
mod testing;

pub use hub::McpHub;
pub use options::McpOptions;
pub use status::{McpState, McpStatus};
