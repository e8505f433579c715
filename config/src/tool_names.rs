//! The tool names of Claude Code (2.1.330 and before): which of them exist here, and the nearest name to a typo.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::nearest;

/// Name of a tool as a model calls it, e.g. `Read` or `mcp__server__tool`. Case-sensitive, as in Claude Code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolName(Arc<str>);

impl ToolName {
    /// Takes the text as it is.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this names an MCP server or one of its tools (`mcp__server`, `mcp__server__tool`).
    pub fn is_mcp(&self) -> bool {
        self.0.starts_with("mcp__")
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What we know about a tool name found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolStatus {
    /// Built in.
    Provided,
    /// A Claude Code tool that this runtime does not provide (yet): not an error, left out of the agent's tools.
    KnownElsewhere,
    /// A tool of an MCP server, which only shows at run time.
    Mcp,
    /// Exists nowhere.
    Unknown {
        /// The nearest known name, where one is near enough to be what the author meant.
        did_you_mean: Option<&'static str>,
    },
}

/// Built-in tools, in the order in which errors list them.
pub const PROVIDED_TOOLS: &[&str] = &[
    "Read",
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "Glob",
    "Grep",
    "LS",
    "Bash",
    "BashOutput",
    "KillShell",
    "WebFetch",
    "WebSearch",
    "TodoWrite",
];

/// Tools that change a file whose path they are given.
pub const WRITING_TOOLS: &[&str] = &["Edit", "MultiEdit", "NotebookEdit", "Write"];

/// Tools that read or search where a path leads.
pub const READING_TOOLS: &[&str] = &["Glob", "Grep", "LS", "NotebookRead", "Read"];

/// Tools of Claude Code that agent files name and that are not built in here.
pub const KNOWN_ELSEWHERE: &[&str] = &[
    "Agent",
    "AskUserQuestion",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "KillBash",
    "ListAgents",
    "ListMcpResourcesTool",
    "LSP",
    "NotebookRead",
    "ReadMcpResourceTool",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "SlashCommand",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TodoRead",
    "ToolSearch",
    "Workflow",
];

/// Lowest similarity (Jaro-Winkler, case-insensitive) at which a name is offered as "did you mean".
const SIMILARITY_MIN: f64 = 0.80;

/// Looks a name up; case matters, as it does in Claude Code.
pub fn tool_status(name: &str) -> ToolStatus {
    if PROVIDED_TOOLS.contains(&name) {
        ToolStatus::Provided
    } else if KNOWN_ELSEWHERE.contains(&name) {
        ToolStatus::KnownElsewhere
    } else if name.starts_with("mcp__") {
        ToolStatus::Mcp
    } else {
        let known = PROVIDED_TOOLS.iter().chain(KNOWN_ELSEWHERE).copied();
        ToolStatus::Unknown { did_you_mean: nearest(name, known, SIMILARITY_MIN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_names_are_unknown_and_get_the_real_name() {
        assert_eq!(tool_status("read"), ToolStatus::Unknown { did_you_mean: Some("Read") });
        assert_eq!(tool_status("Gerp"), ToolStatus::Unknown { did_you_mean: Some("Grep") });
        assert_eq!(tool_status("NonExistentTool"), ToolStatus::Unknown { did_you_mean: None });
    }
}
