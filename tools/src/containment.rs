//! What holds an agent's commands back, and so what may run without a rule.

use codex_task_config::{PermissionPolicy, Problem, SandboxMode, SandboxUnavailable};

use crate::SandboxStatus;

/// How far an agent's commands and file tools reach, and whether anything can hold them to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Containment {
    /// How far they reach.
    pub mode: SandboxMode,
    /// What holds commands to it.
    pub sandbox: SandboxPresence,
}

/// Whether commands can be run in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxPresence {
    /// They can.
    Working,
    /// They cannot; this happens instead to those that no rule names.
    Missing(SandboxUnavailable),
}

impl Containment {
    /// What the settings want, with what this system can enforce.
    pub fn of_this_system(policy: &PermissionPolicy) -> Self {
        let is_working = SandboxStatus::of_this_system().is_working();
        let sandbox = if is_working {
            SandboxPresence::Working
        } else {
            SandboxPresence::Missing(policy.sandbox_unavailable)
        };
        Self { mode: policy.sandbox, sandbox }
    }

    /// The same, as if a sandbox worked here.
    pub fn working(mode: SandboxMode) -> Self {
        Self { mode, sandbox: SandboxPresence::Working }
    }

    /// What is wrong on a system that cannot hold commands although it should.
    pub fn problem(self) -> Option<Problem> {
        let SandboxPresence::Missing(choice) = self.sandbox else { return None };
        if self.mode == SandboxMode::DangerFullAccess {
            return None;
        }
        let then = match choice {
            SandboxUnavailable::Ask => "must be asked for",
            SandboxUnavailable::Refuse => "are refused",
        };
        let status = SandboxStatus::of_this_system();
        let message = format!("sandbox for commands: {status}; commands that no rule names {then}");
        Some(match status.help() {
            Some(help) => Problem::warning(message).with_help(help),
            None => Problem::warning(message),
        })
    }

    /// Whether nothing of the workspace may change.
    pub fn is_read_only(self) -> bool {
        self.mode == SandboxMode::ReadOnly
    }
}
