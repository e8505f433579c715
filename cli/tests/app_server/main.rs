//! `codex-task codex`: the built command as the front end of a Codex that plays a script, and of the real one, where
//! there is one.

#![cfg(unix)]

#[cfg(test)]
#[path = "../mcp/project.rs"]
#[expect(dead_code, reason = "the stories of the MCP server need more of it")]
mod project;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod real;
