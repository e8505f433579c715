//! All tools of a session, and what an agent's lists make of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use codex_task_config::{ToolName, ToolPattern, ToolSelection, ToolStatus, tool_status};

use super::ToolSet;
use super::asking::Asking;
use super::registered::Registered;
use crate::gate::Approver;
use crate::rights::means;
use crate::{Rights, Session, Tool};

/// All tools of a session: the built-in ones and the host's. Cheap to clone.
#[derive(Clone)]
pub struct Toolbox {
    tools: Arc<BTreeMap<ToolName, Arc<Registered>>>,
    asking: Asking,
}

/// What an agent's list resolved to.
#[derive(Debug)]
pub struct Resolved {
    /// The agent's tools.
    pub tool_set: ToolSet,
    /// Names in the list that exist nowhere, in the list's order: worth a warning. Claude Code's tools that are not
    /// provided here are left out without being named.
    pub left_out: Vec<String>,
}

/// A list of tools that resolved to nothing, so that the agent is not started. An empty list is not such a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.explanation())]
pub struct NoToolsError {
    /// Names that exist nowhere.
    pub unrecognized: Vec<String>,
    /// Tools of Claude Code that are not provided here.
    pub not_provided: Vec<String>,
    /// Tools that exist and that the agent's file or its parent withholds.
    pub withheld: Vec<String>,
}

impl NoToolsError {
    /// Claude Code's refusal for an agent of this name.
    pub fn for_agent(&self, agent: &str) -> String {
        format!(
            "Agent '{agent}' would be spawned with zero tools — refusing. {}. Fix the agent's tools frontmatter or pass a \
             different subagent_type.",
            self.explanation()
        )
    }

    fn explanation(&self) -> String {
        let listed = |what: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{what} [{}]", names.join(", ")))
        };
        let reasons: Vec<String> = [
            listed("unrecognized", &self.unrecognized),
            listed("not provided here", &self.not_provided),
            listed("disallowed", &self.withheld),
        ]
        .into_iter()
        .flatten()
        .collect();
        format!("Its tools list resolved to nothing: {}", reasons.join(", "))
    }
}

impl Toolbox {
    /// A toolbox with these tools; of two with the same name the later one counts.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let registered =
            |tool: Arc<dyn Tool>| (tool.definition().name.clone(), Arc::new(Registered::new(tool)));
        Self { tools: Arc::new(tools.into_iter().map(registered).collect()), asking: Asking::default() }
    }

    /// Adds a tool, or replaces the one of the same name.
    #[must_use]
    pub fn with(mut self, tool: Arc<dyn Tool>) -> Self {
        let name = tool.definition().name.clone();
        Arc::make_mut(&mut self.tools).insert(name, Arc::new(Registered::new(tool)));
        self
    }

    /// The same toolbox without the tool of this name.
    #[must_use]
    pub fn without(mut self, name: &ToolName) -> Self {
        Arc::make_mut(&mut self.tools).remove(name);
        self
    }

    /// Sets who is asked when no rule decides; without one, asking is refusing.
    #[must_use]
    pub fn with_approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.asking = Asking::new(approver);
        self
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &ToolName> {
        self.tools.keys()
    }

    /// The tools of an agent with these lists: those that the lists name and `rights` do not withhold. The lists narrow
    /// the rights here too, so that they hold whether or not the caller has narrowed them before.
    ///
    /// # Errors
    /// [`NoToolsError`] when a list that names tools resolves to none.
    pub fn resolve(
        &self,
        selection: &ToolSelection,
        disallowed: &[ToolPattern],
        rights: &Rights,
        session: Session,
    ) -> Result<Resolved, NoToolsError> {
        let rights = rights.narrowed_for(selection, disallowed, /*mode*/ None);
        let offered = |name: &ToolName| rights.withholds(name).is_none();
        let tools: BTreeMap<_, _> = self
            .tools
            .iter()
            .filter(|(name, _)| offered(name))
            .map(|(name, tool)| (name.clone(), Arc::clone(tool)))
            .collect();
        let patterns: &[ToolPattern] = match selection {
            ToolSelection::Inherit => &[],
            ToolSelection::Listed(patterns) => patterns,
        };
        let sorted = self.sort(patterns);
        if tools.is_empty() && !patterns.is_empty() {
            return Err(sorted);
        }
        let left_out = sorted.unrecognized;
        let tool_set = ToolSet::new(tools, rights, session, self.asking.clone());
        Ok(Resolved { tool_set, left_out })
    }

    /// Sorts the entries of a list by what is known about their names.
    fn sort(&self, patterns: &[ToolPattern]) -> NoToolsError {
        let mut sorted =
            NoToolsError { unrecognized: Vec::new(), not_provided: Vec::new(), withheld: Vec::new() };
        for pattern in patterns {
            let name = pattern.name.to_string();
            let is_here = self.tools.keys().any(|tool| means(pattern, tool));
            match tool_status(&name) {
                _ if is_here => sorted.withheld.push(name),
                ToolStatus::Unknown { .. } => sorted.unrecognized.push(name),
                ToolStatus::Mcp | ToolStatus::Provided | ToolStatus::KnownElsewhere => {
                    sorted.not_provided.push(name);
                }
            }
        }
        sorted
    }
}

impl Default for Toolbox {
    /// A toolbox without tools.
    fn default() -> Self {
        Self::new([])
    }
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names().map(ToolName::as_str)).finish()
    }
}

#[cfg(test)]
#[path = "toolbox_tests.rs"]
mod tests;
