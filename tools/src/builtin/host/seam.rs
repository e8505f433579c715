//! What a host lends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{Approval, ApprovalRequest, Approver, Confinement, ToolError};

/// A command that an agent runs with its host's means. The gate has allowed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// The command line, for a shell.
    pub line: String,
    /// Where it runs.
    pub cwd: PathBuf,
    /// The longest that it is waited for; the future is dropped then.
    pub timeout: Duration,
    /// How it is to be held back. Always [`Confinement::Free`] unless [`HostTools::confines_commands`].
    pub confinement: Confinement,
}

/// What a command gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostOutput {
    /// Its exit code.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// What a host lends to its agents: its own way to run commands, to read and write files, and to ask its user. Every call
/// has passed the gate; paths are absolute, inside the workspace, and of no protected file.
///
/// # Cancel safety
/// Dropping a future ends what it was about, for instance every process of a command.
pub trait HostTools: Send + Sync {
    /// Runs a command.
    fn exec<'a>(&'a self, command: &'a HostCommand) -> BoxFuture<'a, Result<HostOutput, ToolError>>;

    /// Reads a file; `None` when there is none.
    fn read<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Option<Vec<u8>>, ToolError>>;

    /// Writes a file, and makes the directories that it needs.
    fn write<'a>(&'a self, path: &'a Path, content: &'a [u8]) -> BoxFuture<'a, Result<(), ToolError>>;

    /// Decides on a call that no rule decides on. Refused, unless the host can ask somebody.
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        let _ = request;
        Box::pin(std::future::ready(Approval::Unanswered))
    }

    /// Whether [`HostTools::exec`] holds a command back as [`HostCommand::confinement`] says. Where it does not, only
    /// commands run that a rule, the mode or [`HostTools::approve`] allows.
    fn confines_commands(&self) -> bool {
        false
    }
}

/// Asks a host.
pub(super) struct HostApprover(pub(super) Arc<dyn HostTools>);

impl Approver for HostApprover {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        self.0.approve(request)
    }
}
