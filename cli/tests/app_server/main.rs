//! `codex-task codex`: the built command as the front end of a Codex that plays a script, and of the real one, where
//! there is one.

#![cfg(unix)]

#[cfg(test)]
#[path = "../mcp/project.rs"]
mod project;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod real;
