//! What a hook can be told of.

use serde::Serialize;

/// What a hook is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum HookEvent {
    /// A tool call is about to be judged.
    PreToolUse,
    /// A tool call succeeded.
    PostToolUse,
    /// A subagent begins.
    SubagentStart,
    /// A subagent has finished.
    SubagentStop,
}

/// Claude Code's other events: they never happen to a subagent's call here.
const ELSEWHERE: &[&str] = &[
    "ConfigChange",
    "CwdChanged",
    "DirectoryAdded",
    "Elicitation",
    "ElicitationResult",
    "FileChanged",
    "InstructionsLoaded",
    "MessageDisplay",
    "Notification",
    "PermissionDenied",
    "PermissionRequest",
    "PostCompact",
    "PostModelSwitch",
    "PostToolBatch",
    "PostToolUseFailure",
    "PreCompact",
    "PreModelSwitch",
    "SessionEnd",
    "SessionStart",
    "Setup",
    "Stop",
    "StopFailure",
    "TaskCompleted",
    "TaskCreated",
    "TeammateIdle",
    "UserPromptExpansion",
    "UserPromptSubmit",
    "WorktreeCreate",
    "WorktreeRemove",
];

/// Least similarity at which an event is offered as what was meant.
const SIMILARITY_MIN: f64 = 0.85;

impl HookEvent {
    /// All events that happen here.
    pub const ALL: [Self; 4] = [Self::PreToolUse, Self::PostToolUse, Self::SubagentStart, Self::SubagentStop];

    /// Claude Code's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreToolUse => "PreToolUse",
            Self::PostToolUse => "PostToolUse",
            Self::SubagentStart => "SubagentStart",
            Self::SubagentStop => "SubagentStop",
        }
    }

    /// Whether it is about a call of a tool.
    pub fn is_about_calls(self) -> bool {
        match self {
            Self::PreToolUse | Self::PostToolUse => true,
            Self::SubagentStart | Self::SubagentStop => false,
        }
    }

    /// Reads one of the names.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

/// Whether Claude Code has an event of this name that does not happen here.
pub(super) fn is_elsewhere(name: &str) -> bool {
    ELSEWHERE.contains(&name)
}

/// The event that an unknown name was probably meant to be.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    crate::nearest(name, HookEvent::ALL.map(HookEvent::as_str), SIMILARITY_MIN)
}
