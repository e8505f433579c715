//! What narrows one task beyond its session: the modes of the agent's file and of the request.

use codex_task_config::{AgentDefinition, PermissionMode, SandboxMode};

use crate::task::TaskRequest;

/// See the module. `None` leaves what the session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaskModes {
    /// What happens to calls that no rule names.
    pub(super) permission: Option<PermissionMode>,
    /// How far commands and file tools reach.
    pub(super) sandbox: Option<SandboxMode>,
}

impl TaskModes {
    /// The narrower of what the agent's file and the request say.
    pub(super) fn of(agent: &AgentDefinition, request: &TaskRequest) -> Self {
        let permissions = [agent.permission_mode, request.permission_mode];
        Self {
            permission: permissions.into_iter().flatten().reduce(PermissionMode::narrowed_by),
            sandbox: request.sandbox,
        }
    }
}
