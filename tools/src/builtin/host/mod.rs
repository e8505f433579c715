//! Tools that a host lends: what agents do with commands and files goes to it, behind the same gate, under the same names
//! and with the same arguments as the built-in tools that they replace.

mod command;
mod seam;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use codex_task_config::ToolName;
use seam::HostApprover;
pub use seam::{HostCommand, HostOutput, HostTools};

use super::file_tools;
use super::storage::Storage;
use crate::Toolbox;

/// Built-in tools that run no command and neither give nor change the content of a file as such. Every other one would
/// reach past the host; a new one is left out until it stands here.
const BESIDE_THE_HOST: [&str; 6] = ["Glob", "Grep", "LS", "TodoWrite", "WebFetch", "WebSearch"];

/// A toolbox in which agents' commands and files are the host's, and in which the host is asked when no rule decides. Of
/// the toolbox only those built-in tools stay that search and do not reach past the host; a host's further tools are added
/// to what this gives.
pub fn lent_by(host: &Arc<dyn HostTools>, toolbox: Toolbox) -> Toolbox {
    let past: Vec<ToolName> =
        toolbox.names().filter(|name| !BESIDE_THE_HOST.contains(&name.as_str())).cloned().collect();
    let without = past.iter().fold(toolbox, Toolbox::without);
    let with = file_tools(&Storage::Host(Arc::clone(host))).into_iter().fold(without, Toolbox::with);
    let with = with.with(Arc::new(command::HostBash::new(Arc::clone(host))));
    with.with_approver(Arc::new(HostApprover(Arc::clone(host))))
}
