//! A program that one speaks to through pipes, an MCP server or Codex: begun in a group of its own, heard to its last
//! words, and ended with everything that it has started.

mod process;
mod stderr;

pub use process::PipedProcess;
