//! From a request to a plan: which agent, which model on which routes, which tools, what it is told. Pure decisions;
//! nothing is started here.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Addr};
use codex_task_config::{
    AgentDefinition, AgentStatus, ModelRequest, PermissionMode, PriceTable, ProviderName, resolve_model,
};
use codex_task_providers::{Message, Route, ToolSpec, plan_routes};
use codex_task_tools::{ToolDefinition, ToolSet};

use super::prompt;
use super::services::Services;
use crate::provider::ProviderActor;
use crate::subagent::{AgentPlan, BoundRoute, StopSignal};
use crate::task::{TaskError, TaskRequest};

/// What a task needs to start.
pub(crate) struct Planned {
    pub(crate) plan: Arc<AgentPlan>,
    pub(crate) tools: Arc<ToolSet>,
    /// The first user turn.
    pub(crate) opening: Arc<Message>,
}

/// Plans tasks; remembers what is the same for all tasks of an agent.
pub(crate) struct Planner {
    services: Arc<Services>,
    gates: HashMap<ProviderName, Addr<ProviderActor>>,
    prefixes: HashMap<Arc<str>, Prefix>,
}

/// The cached part of an agent's prompt. Valid as long as the agent's definition and its tools are the same.
struct Prefix {
    definition: Arc<AgentDefinition>,
    tool_names: Vec<Arc<str>>,
    system: Arc<str>,
    tools: Arc<[ToolSpec]>,
    cache_key: Arc<str>,
}

impl Planner {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services, gates: HashMap::new(), prefixes: HashMap::new() }
    }

    /// The actors of the providers that were used so far.
    pub(crate) fn gates(&self) -> impl Iterator<Item = &Addr<ProviderActor>> {
        self.gates.values()
    }

    /// Plans one task, or says why it cannot begin.
    pub(crate) fn plan(&mut self, request: &TaskRequest, stop: &StopSignal) -> Result<Planned, TaskError> {
        if request.prompt.trim().is_empty() {
            return Err(TaskError::EmptyPrompt);
        }
        let agent = self.find_agent(&request.subagent_type)?;
        if let Some(rule) = self.services.rights.agent_denied_by(agent.name.as_str()) {
            let (name, rule) = (agent.name.to_string(), rule.text.clone());
            return Err(TaskError::AgentDenied { name, rule });
        }
        let (tools, notes) = self.tools(request, &agent, stop)?;
        let routes = self.routes(request, &agent)?;
        let services = Arc::clone(&self.services);
        let prefix = self.prefix(&agent, &tools);
        let limits = &services.settings.limits;
        let plan = AgentPlan {
            routes,
            system: Arc::clone(&prefix.system),
            tools: Arc::clone(&prefix.tools),
            cache_key: Arc::clone(&prefix.cache_key),
            temperature: agent.temperature,
            output_tokens_max: agent.max_tokens,
            effort: request.effort.or(agent.effort),
            output: request.output.clone(),
            turns_max: request.turns_max.or(agent.max_turns).unwrap_or(limits.max_turns),
            cost_max: request.cost_max,
            timeout: request.timeout.or(agent.timeout).unwrap_or(limits.timeout),
            call_timeout: limits.call_timeout,
            notes,
        };
        let opening = prompt::opening(&services.facts, &agent, request);
        Ok(Planned { plan: Arc::new(plan), tools: Arc::new(tools), opening })
    }

    fn find_agent(&self, name: &str) -> Result<Arc<AgentDefinition>, TaskError> {
        let registry = self.services.agents.current();
        if let Some(agent) = registry.get(name) {
            return Ok(Arc::clone(agent));
        }
        let broken = registry.entries().iter().find(|e| e.status == AgentStatus::Broken && e.name == name);
        if let Some(broken) = broken {
            let reason = broken.problems.first().map(|p| p.message.clone()).unwrap_or_default();
            return Err(TaskError::BrokenAgent { name: name.to_owned(), reason });
        }
        Err(TaskError::UnknownAgent {
            name: name.to_owned(),
            known: registry.agents().map(|agent| agent.name.to_string()).collect(),
            nearest: registry.nearest(name).map(ToString::to_string),
        })
    }

    fn tools(
        &self,
        request: &TaskRequest,
        agent: &AgentDefinition,
        stop: &StopSignal,
    ) -> Result<(ToolSet, Vec<String>), TaskError> {
        let services = &self.services;
        let modes = [agent.permission_mode, request.permission_mode];
        let mode = modes.into_iter().flatten().reduce(PermissionMode::narrowed_by);
        let rights = services.rights.narrowed_for(&agent.tools, &agent.disallowed_tools, mode);
        let session = services.session.for_task(stop.token().clone());
        let resolved = services
            .toolbox
            .resolve(&agent.tools, &agent.disallowed_tools, &rights, session)
            .map_err(|error| TaskError::NoTools(error.for_agent(agent.name.as_str())))?;
        let left_out = resolved.left_out.iter();
        let notes = left_out.map(|name| format!("tool '{name}' does not exist and was left out")).collect();
        Ok((resolved.tool_set, notes))
    }

    fn routes(
        &mut self,
        request: &TaskRequest,
        agent: &AgentDefinition,
    ) -> Result<Arc<[BoundRoute]>, TaskError> {
        let services = Arc::clone(&self.services);
        let wanted = ModelRequest {
            per_call: request.model.as_ref(),
            agent: &agent.model,
            session: services.settings.model.as_ref(),
        };
        let choice = resolve_model(&wanted, &services.environment);
        let routes = plan_routes(
            &choice,
            agent.provider.as_ref(),
            &agent.fallback,
            &services.settings,
            &services.environment,
            &services.providers,
        )?;
        Ok(routes.into_iter().filter_map(|route| self.bind(route)).collect())
    }

    fn bind(&mut self, route: Route) -> Option<BoundRoute> {
        let provider = self.services.providers.get(&route.provider)?;
        let gate = self
            .gates
            .entry(route.provider.clone())
            .or_insert_with(|| ProviderActor::new(route.provider.clone(), provider.in_flight_max).start());
        let price = PriceTable::bundled().find(provider.kind, &route.model);
        Some(BoundRoute { backend: Arc::clone(&provider.backend), gate: gate.clone(), price, route })
    }

    fn prefix(&mut self, agent: &Arc<AgentDefinition>, tools: &ToolSet) -> &Prefix {
        let names = || tools.definitions().iter().map(|tool| tool.name.as_str());
        let key: Arc<str> = agent.name.as_str().into();
        let is_current = self.prefixes.get(&key).is_some_and(|prefix| {
            Arc::ptr_eq(&prefix.definition, agent) && prefix.tool_names.iter().map(AsRef::as_ref).eq(names())
        });
        if !is_current {
            self.prefixes.remove(&key);
        }
        self.prefixes.entry(key).or_insert_with(|| {
            let system = prompt::system_prompt(&agent.prompt);
            let specs: Arc<[ToolSpec]> = tools.definitions().iter().map(to_spec).collect();
            Prefix {
                definition: Arc::clone(agent),
                tool_names: names().map(Into::into).collect(),
                cache_key: prompt::cache_key(&system, &specs),
                system,
                tools: specs,
            }
        })
    }
}

fn to_spec(tool: &ToolDefinition) -> ToolSpec {
    ToolSpec {
        name: tool.name.as_str().into(),
        description: Arc::clone(&tool.description),
        input_schema: Arc::clone(&tool.input_schema),
    }
}
