//! Tools that a host lends: what agents do with commands and files goes to it, behind the same gate, under the same names
//! and with the same arguments as the built-in tools that they replace.

mod command;
mod files;
mod seam;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use codex_task_config::ToolName;

pub use seam::{HostApprover, HostCommand, HostOutput, HostTools};

use crate::{Tool, Toolbox};

/// Built-in tools that reach commands or files past the host, and that it lends nothing for.
const PAST_THE_HOST: [&str; 4] = ["BashOutput", "KillShell", "MultiEdit", "NotebookEdit"];

/// A toolbox in which a host's own Bash, Read, Write and Edit stand for the built-in ones, and in which the host is asked
/// when no rule decides. Glob, Grep and LS stay: they only search.
pub fn lent_by(host: &Arc<dyn HostTools>, toolbox: Toolbox) -> Toolbox {
    let tools: [Arc<dyn Tool>; 4] = [
        Arc::new(command::HostBash::new(Arc::clone(host))),
        Arc::new(files::HostRead::new(Arc::clone(host))),
        Arc::new(files::HostWrite::new(Arc::clone(host))),
        Arc::new(files::HostEdit::new(Arc::clone(host))),
    ];
    let without = PAST_THE_HOST.iter().fold(toolbox, |toolbox, name| toolbox.without(&ToolName::new(*name)));
    let with = tools.into_iter().fold(without, Toolbox::with);
    with.with_approver(Arc::new(HostApprover(Arc::clone(host))))
}
