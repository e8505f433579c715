//! An agent, read: what its file says in our own types.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{ToolPattern, ToolSelection};
use crate::{AgentName, Effort, Hook, Isolation, McpServerEntry, ModelChoice, PermissionMode, ProviderName};

/// Where an agent comes from, weakest first: of two with one name the later of these wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentSource {
    /// Carried by the program.
    BuiltIn,
    /// `~/.claude/agents`.
    User,
    /// `.claude/agents` between the working directory and the repository's root.
    Project,
    /// `--agents` JSON.
    CommandLine,
}

/// An agent that can run. Nothing in it changes; a changed file makes a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentDefinition {
    /// Its name, by which the Task tool asks for it.
    pub name: AgentName,
    /// When to use it, for whoever chooses an agent.
    pub description: String,
    /// The body of its file: its system prompt. May be empty.
    pub prompt: String,
    /// The tools it has. A list of them names those of its MCP servers too.
    pub tools: ToolSelection,
    /// The tools it has not; they win over `tools`.
    pub disallowed_tools: Vec<ToolPattern>,
    /// Servers of the session whose tools it has, and servers of its own.
    pub mcp_servers: Vec<McpServerEntry>,
    /// The user's programs that are told of what it does, beside the session's.
    pub hooks: Vec<Hook>,
    /// The model it asks for.
    pub model: ModelChoice,
    /// The provider it insists on.
    pub provider: Option<ProviderName>,
    /// Where its tasks go when its own route fails for good: `provider/model`, an alias or a full id each.
    pub fallback: Vec<String>,
    /// Sampling temperature, 0 to 2.
    pub temperature: Option<f32>,
    /// Most tokens of one answer.
    pub max_tokens: Option<u32>,
    /// From the start of a task to its end.
    pub timeout: Option<Duration>,
    /// How much to reason.
    pub effort: Option<Effort>,
    /// What happens to calls that no rule names; can only narrow the session's mode.
    pub permission_mode: Option<PermissionMode>,
    /// Model calls of one task.
    pub max_turns: Option<u32>,
    /// Where it works apart from the session's own files, if it does.
    pub isolation: Option<Isolation>,
    /// A text before the task in the first user turn.
    pub initial_prompt: Option<String>,
    /// Whether the project's and the user's instruction files are left out.
    pub omit_claude_md: bool,
    /// Where it comes from.
    pub source: AgentSource,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
    /// SHA-256 of its file, in hexadecimal digits, where it has one.
    pub sha256: Option<Arc<str>>,
}

impl AgentDefinition {
    /// An agent with a name, a description and a prompt; everything else as without frontmatter keys.
    pub fn new(name: AgentName, description: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            name,
            description: description.into(),
            prompt: prompt.into(),
            tools: ToolSelection::Inherit,
            disallowed_tools: Vec::new(),
            mcp_servers: Vec::new(),
            hooks: Vec::new(),
            model: ModelChoice::Inherit,
            provider: None,
            fallback: Vec::new(),
            temperature: None,
            max_tokens: None,
            timeout: None,
            effort: None,
            permission_mode: None,
            max_turns: None,
            isolation: None,
            initial_prompt: None,
            omit_claude_md: false,
            source: AgentSource::CommandLine,
            path: None,
            sha256: None,
        }
    }
}
