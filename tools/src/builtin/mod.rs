//! The built-in tools: Claude Code's names, argument names, limits and texts.
//!
//! Owns: one file for each tool, and what several of them share. Tools judge nothing: the gate has allowed the call, and
//! files are opened through the session's path guard only.
//!
//! Invariants: the memory of a call does not grow with the size of a file or an output; nothing that a call started
//! outlives it, but for background shells, which end with their task; file work runs on the blocking pool and ends when nobody waits for it.

mod arguments;
mod bash;
mod bash_arguments;
mod bash_output;
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
mod host;
mod kill_shell;
mod lines;
mod ls;
mod missing;
mod multi_edit;
mod near_miss;
mod notebook;
mod notebook_edit;
mod notebook_text;
mod process;
mod read;
mod read_media;
mod read_stamps;
mod replace;
mod rewrite;
mod schema;
mod shell_start;
mod shells;
mod source;
mod storage;
mod stray;
mod text;
mod todo_write;
mod user_program;
mod walk;
mod write;

use std::sync::Arc;

pub use host::{HostCommand, HostOutput, HostTools, lent_by};
pub(crate) use read_stamps::ReadStamps;
pub(crate) use shells::Shells;
use storage::Storage;
pub(crate) use user_program::{ProgramEnd, ProgramLine, ProgramOutput, run_user_program};

use crate::{Egress, Tool, WebFetch, WebSearch};

/// All built-in tools. `WebFetch` goes to the public internet only; a toolbox that should let it go further gets another
/// one of that name.
pub fn builtin_tools() -> Vec<Arc<dyn Tool>> {
    let others: [Arc<dyn Tool>; 9] = [
        Arc::new(glob::GlobTool::new()),
        Arc::new(grep::GrepTool::new()),
        Arc::new(ls::LsTool::new()),
        Arc::new(bash::BashTool::new()),
        Arc::new(bash_output::BashOutputTool::new()),
        Arc::new(kill_shell::KillShellTool::new()),
        Arc::new(WebFetch::new(Egress::Public)),
        Arc::new(WebSearch::new()),
        Arc::new(todo_write::TodoWriteTool::new()),
    ];
    file_tools(&Storage::Disk).into_iter().chain(others).collect()
}

/// The tools that read and change files.
fn file_tools(storage: &Storage) -> [Arc<dyn Tool>; 5] {
    [
        Arc::new(read::ReadTool::new(storage.clone())),
        Arc::new(write::WriteTool::new(storage.clone())),
        Arc::new(edit::EditTool::new(storage.clone())),
        Arc::new(multi_edit::MultiEditTool::new(storage.clone())),
        Arc::new(notebook_edit::NotebookEditTool::new(storage.clone())),
    ]
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;
