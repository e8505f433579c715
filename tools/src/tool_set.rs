//! All tools there are, and the tools that one agent has.
use std::sync::Arc;
use codex_task_config::{ToolPattern, ToolSelection};
use crate::{Approver, Rights, Session, Tool, ToolDefinition, ToolReply};

/// All tools.
#[derive(Clone, Default)]
pub struct Toolbox { tools: Vec<Arc<dyn Tool>> }

/// One agent's tools.
#[derive(Clone)]
pub struct ToolSet { definitions: Arc<[ToolDefinition]>, rights: Rights, session: Session }

/// What a selection resolved to.
pub struct Resolved {
    /// The agent's tools.
    pub tool_set: ToolSet,
    /// Names in the agent's list that exist nowhere.
    pub left_out: Vec<String>,
}

/// A list of tools that resolved to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tools list resolved to nothing")]
pub struct NoToolsError {
    /// Names that exist nowhere.
    pub unrecognized: Vec<String>,
}

impl NoToolsError {
    /// Claude Code's text.
    pub fn for_agent(&self, agent: &str) -> String { format!("{agent}") }
}

impl Toolbox {
    /// A toolbox with these tools.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self { Self { tools: tools.into_iter().collect() } }
    /// Adds or replaces a tool.
    #[must_use]
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self { self.tools.push(tool); self }
    /// Who is asked.
    #[must_use]
    pub fn with_approver(self, approver: Arc<dyn Approver>) -> Self { let _ = approver; self }
    /// Resolves an agent's selection.
    pub fn resolve(&self, selection: &ToolSelection, disallowed: &[ToolPattern], rights: &Rights, session: Session) -> Result<Resolved, NoToolsError> {
        let _ = (selection, disallowed);
        Ok(Resolved { tool_set: ToolSet { definitions: Arc::from([]), rights: rights.clone(), session }, left_out: Vec::new() })
    }
}

impl ToolSet {
    /// Definitions sorted by name.
    pub fn definitions(&self) -> &Arc<[ToolDefinition]> { &self.definitions }
    /// Whether the call may run beside others.
    pub fn is_read_only(&self, name: &str, arguments: &str) -> bool { let _ = (name, arguments); false }
    /// The rights.
    pub fn rights(&self) -> &Rights { &self.rights }
    /// The session.
    pub fn session(&self) -> &Session { &self.session }
    /// Runs a call.
    pub async fn call(&self, name: &str, arguments: &str) -> ToolReply {
        let _ = (name, arguments);
        ToolReply { text: String::new(), is_error: true }
    }
}
