//! What happens to a call that no rule names.

use serde::{Deserialize, Serialize};

/// Claude Code's permission modes, from narrow to wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Read-only: Write, Edit and Bash are refused.
    Plan,
    /// Reads inside the workspace run, everything else needs a rule.
    #[default]
    Default,
    /// As `default`, and Write and Edit inside the workspace run too.
    AcceptEdits,
    /// Everything runs that no deny or ask rule names.
    BypassPermissions,
}

impl PermissionMode {
    /// All modes with the names that Claude Code uses for them.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Plan, "plan"),
        (Self::Default, "default"),
        (Self::AcceptEdits, "acceptEdits"),
        (Self::BypassPermissions, "bypassPermissions"),
    ];

    /// Reads one of the names in [`Self::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(mode, _)| *mode)
    }

    /// The name that Claude Code uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::BypassPermissions => "bypassPermissions",
        }
    }

    /// The narrower of two modes: an agent file can narrow the session's mode, never widen it.
    #[must_use]
    pub fn narrowed_by(self, other: Self) -> Self {
        self.min(other)
    }
}
