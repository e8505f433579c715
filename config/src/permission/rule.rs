//! One permission rule and where it came from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Position, ToolName};

/// What a rule does to a call that it matches. Deny wins over ask, ask over allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleBehavior {
    /// The call never runs.
    Deny,
    /// The call needs the user's yes; without a user it does not run.
    Ask,
    /// The call runs.
    Allow,
}

/// Whose rule it is, from weak to strong trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleScope {
    /// `.claude/settings.json` or `codex-task.yaml` of the repository.
    Project,
    /// `.claude/settings.local.json`.
    Local,
    /// `~/.claude/settings.json` or the user's `config.yaml`.
    User,
    /// The command line or the embedding host.
    Session,
    /// The administrator's managed settings.
    Managed,
}

impl RuleScope {
    /// Whether a repository brings it along, so that others than the user may have written it.
    pub fn is_repository(self) -> bool {
        matches!(self, Self::Project | Self::Local)
    }
}

/// Where a rule stands, for explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOrigin {
    /// Whose rule it is.
    pub scope: RuleScope,
    /// The file, where it came from one.
    pub path: Option<Arc<Path>>,
    /// The place in the file.
    pub position: Option<Position>,
}

/// One rule in Claude Code's syntax: `Tool` or `Tool(specifier)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionRule {
    /// What it does.
    pub behavior: RuleBehavior,
    /// The tool it is about; `mcp__server` and `mcp__server__*` stand for a whole server.
    pub tool: ToolName,
    /// What stood in parentheses, e.g. `git status:*`, `./secrets/**`, `domain:example.org`. `None` and `*` match all.
    pub specifier: Option<String>,
    /// The rule as written.
    pub text: String,
    /// Where it stands.
    pub origin: RuleOrigin,
}

/// A call that stands beside a rule with what the rule must say about it. The gate checks it when rights are computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleExample {
    /// The rule.
    pub rule: PermissionRule,
    /// A command, a path, or whatever else the rule's tool is called with.
    pub call: String,
    /// Whether the rule must be about the call.
    pub is_match: bool,
    /// Where the example stands; the file is the rule's.
    pub position: Option<Position>,
}

/// All rules in force for a session, plus what happens without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionPolicy {
    /// All rules, in file order; the gate sorts by behaviour.
    pub rules: Vec<PermissionRule>,
    /// Examples that rules bring along; one that is wrong lets nothing run.
    pub examples: Vec<RuleExample>,
    /// Directories outside the workspace that count as inside (`permissions.additionalDirectories`).
    pub additional_directories: Vec<PathBuf>,
    /// What happens to a call that no rule names.
    pub mode: super::PermissionMode,
    /// Where the mode stands; `None` for the one that holds without any setting.
    pub mode_origin: Option<RuleOrigin>,
    /// How far shell commands and file tools reach.
    pub sandbox: super::SandboxMode,
    /// What happens to a command that should run in the sandbox where none works.
    pub sandbox_unavailable: super::SandboxUnavailable,
    /// Why nothing may run at all: a settings file with permissions could not be read. The gate fails closed.
    pub broken: Option<String>,
}
