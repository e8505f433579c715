//! Tools of MCP servers, which only show once the servers run. Whether an agent's list can mean any is settled when it
//! is planned; the servers are started when the agent starts, in its slot and on its time, so that nobody else waits.

use std::sync::Arc;

use codex_task_config::{AgentDefinition, McpServer, McpServerEntry, ToolSelection};
use codex_task_providers::ToolSpec;
use codex_task_tools::{McpHub, McpState, Rights, Session, Tool, ToolDefinition, ToolSet, Toolbox};
use tokio_util::sync::CancellationToken;

use super::prompt;
use super::services::Services;
use super::task_modes::TaskModes;
use crate::subagent::AgentPlan;
use crate::task::TaskError;

/// The servers that one agent can use.
pub(crate) struct ServerTools {
    services: Arc<Services>,
    agent: Arc<AgentDefinition>,
    equipment: Equipment,
}

/// What an agent's tools are chosen from, and within which rights.
#[derive(Clone)]
pub(super) struct Equipment {
    /// All tools but those of MCP servers.
    pub(super) toolbox: Toolbox,
    /// What the session and the agents above leave.
    pub(super) rights: Rights,
    pub(super) modes: TaskModes,
}

/// An agent with the tools of its servers.
pub(crate) struct Equipped {
    pub(crate) plan: Arc<AgentPlan>,
    pub(crate) tools: Arc<ToolSet>,
    /// What the user should know of the servers.
    pub(crate) notes: Vec<String>,
    /// Servers of the agent's own: they end when it is dropped.
    pub(crate) own: Option<McpHub>,
}

impl ServerTools {
    /// The servers of an agent; `None` when its list can mean none, as without any server.
    pub(super) fn of(
        services: &Arc<Services>,
        agent: &Arc<AgentDefinition>,
        equipment: &Equipment,
    ) -> Option<Self> {
        let is_needed = services.mcp.can_mean(&agent.tools)
            || !agent.mcp_servers.is_empty()
            // A server that may not run is worth a word to an agent that names it.
            || (agent.tools != ToolSelection::Inherit && !services.mcp.status_for(&agent.tools).is_empty());
        is_needed.then(|| Self {
            services: Arc::clone(services),
            agent: Arc::clone(agent),
            equipment: equipment.clone(),
        })
    }

    /// Starts the servers that do not run yet, and gives the agent their tools beside those of `plan` and `tools`. The
    /// session stays: what the agent has read and begun in it outlives its incarnations.
    ///
    /// # Errors
    /// [`TaskError::NoTools`] when a list that names tools comes to none even so.
    ///
    /// # Cancel safety
    /// Dropping the future leaves a server that is being started to whoever needs it next.
    pub(crate) async fn equip(
        &self,
        plan: &AgentPlan,
        tools: &ToolSet,
        stop: &CancellationToken,
    ) -> Result<Equipped, TaskError> {
        let own = self.own_servers(stop);
        let (session_hub, own_hub) = (self.services.mcp.clone(), own.clone());
        let selection = self.agent.tools.clone();
        let of_servers = self.services.io.run(async move {
            let mut tools: Vec<Arc<dyn Tool>> = session_hub.tools_for(&selection).await;
            if let Some(hub) = own_hub {
                tools.extend(hub.tools().await);
            }
            tools
        });
        let toolbox = of_servers.await.into_iter().fold(self.equipment.toolbox.clone(), Toolbox::with);
        let equipment = Equipment { toolbox, ..self.equipment.clone() };
        let (tools, mut notes) = equipment.resolve(&self.agent, tools.session().clone())?;
        notes.extend(self.problems(own.as_ref()));
        let specs: Arc<[ToolSpec]> = tools.definitions().iter().map(to_spec).collect();
        let cache_key = prompt::cache_key(&plan.system, &specs);
        let plan = AgentPlan { tools: specs, cache_key, ..plan.clone() };
        Ok(Equipped { plan: Arc::new(plan), tools: Arc::new(tools), notes, own })
    }

    fn own_servers(&self, stop: &CancellationToken) -> Option<McpHub> {
        let defined: Vec<McpServer> = self
            .agent
            .mcp_servers
            .iter()
            .filter_map(|entry| match entry {
                McpServerEntry::Defined(server) => Some(server.clone()),
                McpServerEntry::Named(_) => None,
            })
            .collect();
        let services = &self.services;
        (!defined.is_empty()).then(|| {
            let io = services.io.handle().clone();
            McpHub::new(defined, &services.settings.mcp, &services.environment, io, stop.clone())
        })
    }

    /// Servers that the agent was to have and that give it nothing.
    fn problems(&self, own: Option<&McpHub>) -> Vec<String> {
        let shared = self.services.mcp.status_for(&self.agent.tools);
        let own = own.map(McpHub::status).unwrap_or_default();
        let broken = shared.iter().chain(&own).filter_map(|status| match &status.state {
            McpState::Failed { reason } => {
                Some(format!("MCP server '{}' gave no tools: {reason}", status.name))
            }
            // Said once for the session; an agent that names the server is told again.
            McpState::Refused(problem) if self.agent.tools != ToolSelection::Inherit => {
                Some(problem.message.clone())
            }
            McpState::Refused(_) | McpState::Idle | McpState::Starting | McpState::Running { .. } => None,
        });
        let unknown = self.agent.mcp_servers.iter().filter_map(|entry| match entry {
            McpServerEntry::Named(name) if !shared.iter().any(|status| status.name == *name) => {
                Some(format!("MCP server '{name}' is defined nowhere in this session"))
            }
            McpServerEntry::Named(_) | McpServerEntry::Defined(_) => None,
        });
        broken.chain(unknown).collect()
    }
}

impl Equipment {
    /// The tools of an agent, and what is to be said of its list.
    pub(super) fn resolve(
        &self,
        agent: &AgentDefinition,
        session: Session,
    ) -> Result<(ToolSet, Vec<String>), TaskError> {
        let rights = self.rights.within(&session.workspace);
        let rights = rights.narrowed_for(&agent.tools, &agent.disallowed_tools, self.modes.permission);
        let rights = self.modes.sandbox.map_or(rights.clone(), |sandbox| rights.within_sandbox(sandbox));
        let resolved = self
            .toolbox
            .resolve(&agent.tools, &agent.disallowed_tools, &rights, session)
            .map_err(|error| TaskError::NoTools(error.for_agent(agent.name.as_str())))?;
        let left_out = resolved.left_out.iter();
        let notes = left_out.map(|name| format!("tool '{name}' does not exist and was left out")).collect();
        Ok((resolved.tool_set, notes))
    }
}

pub(super) fn to_spec(tool: &ToolDefinition) -> ToolSpec {
    ToolSpec {
        name: tool.name.as_str().into(),
        description: Arc::clone(&tool.description),
        input_schema: Arc::clone(&tool.input_schema),
    }
}
