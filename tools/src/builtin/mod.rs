//! The built-in tools: Claude Code's names, argument names, limits and texts.
//!
//! Owns: one file for each tool, and what several of them share. Tools judge nothing: the gate has allowed the call, and
//! files are opened through the session's path guard only.
//!
//! Invariants: the memory of a call does not grow with the size of a file or an output; nothing that a call started
//! outlives it; file work runs on the blocking pool and ends when nobody waits for it.

mod arguments;
mod bash;
mod best;
mod blocking;
mod blocks;
mod child_environment;
mod edit;
mod file_lock;
mod glob;
mod grep;
mod grep_file;
mod grep_filter;
mod grep_reply;
mod head_tail;
mod lines;
mod ls;
mod missing;
mod near_miss;
mod process;
mod read;
mod read_stamps;
mod replace;
mod schema;
mod stray;
mod text;
mod walk;
mod write;

use std::sync::Arc;

pub(crate) use read_stamps::ReadStamps;

use crate::Tool;

/// All built-in tools.
pub fn builtin_tools() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(read::ReadTool::new()),
        Arc::new(write::WriteTool::new()),
        Arc::new(edit::EditTool::new()),
        Arc::new(glob::GlobTool::new()),
        Arc::new(grep::GrepTool::new()),
        Arc::new(ls::LsTool::new()),
        Arc::new(bash::BashTool::new()),
    ]
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;
