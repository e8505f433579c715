//! Where a task stands among those that agents start, and what that leaves it of the session's rights.

use std::sync::Arc;

use codex_task_config::{PermissionMode, SandboxMode, ToolPattern, ToolSelection};
use codex_task_tools::Rights;
use serde::{Deserialize, Serialize};

use super::TaskId;

/// See the module. The default is what a host asks for: as if the host's own agent had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// 0 is the main agent of a session, 1 a task of it or of the host, 2 a task of such a task.
    pub depth: u32,
    /// The task whose agent has asked, where that is one of ours.
    pub parent: Option<TaskId>,
    /// What the agents above leave of the session's rights, the outermost first.
    pub above: Arc<[Narrowing]>,
}

/// What one agent leaves of the rights that it has, for itself and for everything that it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    /// The tools that it lists.
    pub tools: ToolSelection,
    /// The tools that it must not have.
    pub disallowed: Vec<ToolPattern>,
    /// What happens to its calls that no rule names.
    pub mode: Option<PermissionMode>,
    /// How far its commands and file tools reach.
    #[serde(default)]
    pub sandbox: Option<SandboxMode>,
}

impl Lineage {
    /// The main agent: what the session itself does.
    pub fn main() -> Self {
        Self { depth: 0, ..Self::default() }
    }

    /// Whether the task is one of the session itself, and its agent none that the Task tool offers.
    pub fn is_of_session(&self) -> bool {
        self.depth == 0
    }

    /// A task that the agent of `parent` starts, which has narrowed its rights like this.
    #[must_use]
    pub fn child(&self, parent: TaskId, own: Narrowing) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            parent: Some(parent),
            above: self.above.iter().cloned().chain([own]).collect(),
        }
    }

    /// What is left of the session's rights.
    pub(crate) fn narrow(&self, session: &Rights) -> Rights {
        let narrowed = |rights: Rights, by: &Narrowing| {
            let rights = rights.narrowed_for(&by.tools, &by.disallowed, by.mode);
            by.sandbox.map_or(rights.clone(), |sandbox| rights.within_sandbox(sandbox))
        };
        self.above.iter().fold(session.clone(), narrowed)
    }
}

impl Default for Lineage {
    fn default() -> Self {
        Self { depth: 1, parent: None, above: Arc::from([]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_comes_back_from_a_record_and_an_old_record_has_the_hosts() {
        let own = Narrowing {
            tools: ToolSelection::Listed(ToolPattern::parse_list("Read, Task(reviewer)")),
            disallowed: ToolPattern::parse_list("Bash"),
            mode: Some(PermissionMode::Plan),
            sandbox: Some(SandboxMode::ReadOnly),
        };
        let child = Lineage::main().child(TaskId::new(), own);
        let text = serde_json::to_string(&child).expect("JSON");
        assert_eq!(serde_json::from_str::<Lineage>(&text).expect("a lineage"), child);
        assert_eq!(serde_json::from_str::<Lineage>("{}").expect("a lineage"), Lineage::default());
        assert_eq!((child.depth, Lineage::default().depth), (1, 1));
    }
}
