//! What is written down of a task that begins.

use std::sync::Arc;

use codex_task_config::AgentDefinition;
use codex_task_tools::ToolSet;

use super::{AuditEvent, AuditSubject, TaskSpawn};
use crate::subagent::AgentPlan;
use crate::task::TaskRequest;

impl AuditSubject {
    /// A task of this agent.
    pub(crate) fn of(request: &TaskRequest, agent: &AgentDefinition) -> Self {
        Self {
            agent: agent.name.shared(),
            agent_file_sha256: agent.sha256.clone(),
            ..Self::of_request(request)
        }
    }

    /// A task of which nothing is known but what was asked for: its agent may not even exist.
    pub(crate) fn of_request(request: &TaskRequest) -> Self {
        Self {
            task: request.id,
            run: request.run,
            parent: request.lineage.parent,
            agent: Arc::clone(&request.subagent_type),
            agent_file_sha256: None,
        }
    }
}

impl TaskSpawn {
    /// A task that begins like this.
    pub(crate) fn event(
        request: &Arc<TaskRequest>,
        is_resumed: bool,
        plan: &AgentPlan,
        tools: &ToolSet,
    ) -> AuditEvent {
        AuditEvent::TaskSpawned(Box::new(Self {
            request: Arc::clone(request),
            is_resumed,
            rights: tools.rights().clone(),
            prefix: Arc::clone(&plan.cache_key),
            tools: plan.tools.iter().map(|tool| Arc::clone(&tool.name)).collect(),
            routes: plan.routes.iter().map(|bound| bound.route.to_string()).collect(),
        }))
    }
}
