//! How far a shell command reaches, and what happens where nothing can hold it back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Codex's sandbox modes, from narrow to wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// Commands read; they write to their private temporary directory alone.
    ReadOnly,
    /// Commands write inside the workspace and the additional directories too.
    #[default]
    WorkspaceWrite,
    /// Commands run as the user does: nothing holds them back.
    DangerFullAccess,
}

impl SandboxMode {
    /// All modes with the names that Codex uses for them.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::ReadOnly, "read-only"),
        (Self::WorkspaceWrite, "workspace-write"),
        (Self::DangerFullAccess, "danger-full-access"),
    ];

    /// Reads one of the names in [`Self::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(mode, _)| *mode)
    }

    /// The name that Codex uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }

    /// The narrower of two modes: an agent file can narrow the session's mode, never widen it.
    #[must_use]
    pub fn narrowed_by(self, other: Self) -> Self {
        self.min(other)
    }
}

impl fmt::Display for SandboxMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a command that should run in the sandbox on a system that has none that works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxUnavailable {
    /// It does not run.
    Refuse,
    /// The user is asked; without a user it does not run.
    #[default]
    Ask,
}

impl SandboxUnavailable {
    /// All choices with their names in settings.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Refuse, "refuse"), (Self::Ask, "ask")];

    /// Reads one of the names in [`Self::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(choice, _)| *choice)
    }

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Ask => "ask",
        }
    }
}

impl fmt::Display for SandboxUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_codexs_and_read_back() {
        for (mode, name) in SandboxMode::ALL {
            assert_eq!((mode.to_string().as_str(), SandboxMode::parse(name)), (name, Some(mode)));
            assert_eq!(serde_json::to_value(mode).expect("a name"), name);
        }
        for (choice, name) in SandboxUnavailable::ALL {
            assert_eq!((choice.as_str(), SandboxUnavailable::parse(name)), (name, Some(choice)));
        }
        assert_eq!(SandboxMode::parse("workspace_write"), None);
    }

    #[test]
    fn a_mode_is_only_ever_narrowed() {
        for (session, _) in SandboxMode::ALL {
            for (agent, _) in SandboxMode::ALL {
                assert!(session.narrowed_by(agent) <= session, "{session} by {agent}");
            }
        }
    }
}
