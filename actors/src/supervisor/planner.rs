//! From a request to a plan: which agent, which model on which routes, which tools, what it is told. Pure decisions;
//! nothing is started here.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Addr};
use codex_task_config::{
    AgentDefinition, AgentStatus, ModelChoice, ModelInfo, ModelRequest, ModelTier, PermissionMode,
    PriceTable, ProviderName, RateSettings, ToolSelection, rate_class, resolve_model,
};
use codex_task_providers::{KeySource, Message, Provider, Route, ToolSpec, plan_routes};
use codex_task_tools::{Session, ToolSet, Toolbox};

use super::page_reader::{Ledger, SmallModel};
use super::prompt;
use super::server_tools::{self, ServerTools, to_spec};
use super::services::Services;
use crate::provider::{GateSettings, ProviderActor};
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
    gates: HashMap<GateKey, Addr<ProviderActor>>,
    prefixes: HashMap<Arc<str>, Prefix>,
    /// The small model of each provider, where it has one.
    small_models: HashMap<ProviderName, Option<BoundRoute>>,
}

/// What calls have in common that one provider counts together. Two names of the settings for the same key of the same
/// server, with the same limits, are one.
#[derive(PartialEq, Eq, Hash)]
enum GateKey {
    /// A server and the variable that holds the key.
    Credential { server: String, variable: String, in_flight_max: usize, limits: RateSettings },
    /// A provider of which nothing else is known.
    Name(ProviderName),
}

impl GateKey {
    fn of(provider: &Provider, name: &ProviderName) -> Self {
        match (&provider.base_url, &provider.key) {
            (Some(server), KeySource::Variable(variable)) => Self::Credential {
                server: server.to_string(),
                variable: variable.clone(),
                in_flight_max: provider.in_flight_max,
                limits: provider.limits,
            },
            _ => Self::Name(name.clone()),
        }
    }
}

/// The cached part of an agent's prompt. Valid as long as the agent's definition and its tools are the same.
struct Prefix {
    definition: Arc<AgentDefinition>,
    tool_names: Vec<Arc<str>>,
    system: Arc<str>,
    tools: Arc<[ToolSpec]>,
    cache_key: Arc<str>,
}

/// The tools of an agent before it starts.
struct KnownTools {
    tools: ToolSet,
    /// What is to be said of its list.
    notes: Vec<String>,
    /// Servers that will give more.
    servers: Option<Arc<ServerTools>>,
}

impl Planner {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services, gates: HashMap::new(), prefixes: HashMap::new(), small_models: HashMap::new() }
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
        let routes = self.routes(request, &agent);
        let reading = Arc::default();
        let session = self.services.session.for_task(stop.token().clone());
        let session = match &routes {
            Ok(routes) => self.with_reader(session, routes, request, stop, &reading),
            Err(_) => session,
        };
        let KnownTools { tools, notes, servers } = self.tools(request, &agent, session)?;
        let routes = routes?;
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
            reading,
            servers,
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
        agent: &Arc<AgentDefinition>,
        session: Session,
    ) -> Result<KnownTools, TaskError> {
        let services = &self.services;
        let modes = [agent.permission_mode, request.permission_mode];
        let mode = modes.into_iter().flatten().reduce(PermissionMode::narrowed_by);
        match ServerTools::of(services, agent, mode) {
            None => {
                let toolbox = &services.toolbox;
                let (tools, notes) = server_tools::resolve(services, agent, mode, toolbox, session)?;
                Ok(KnownTools { tools, notes, servers: None })
            }
            // Its list is resolved as a whole once its servers run; until then there is a session and nothing to call.
            Some(servers) => {
                let nothing = AgentDefinition { tools: ToolSelection::Inherit, ..(**agent).clone() };
                let toolbox = Toolbox::default();
                let (tools, _) = server_tools::resolve(services, &nothing, mode, &toolbox, session)?;
                Ok(KnownTools { tools, notes: Vec::new(), servers: Some(Arc::new(servers)) })
            }
        }
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

    /// A task's session with what reads pages of the web for it: the small model of the provider that the agent itself
    /// is on, or where that has none the agent's own.
    fn with_reader(
        &mut self,
        session: Session,
        routes: &[BoundRoute],
        request: &TaskRequest,
        stop: &StopSignal,
        ledger: &Arc<Ledger>,
    ) -> Session {
        let Some(own) = routes.first() else { return session };
        let route = self.small_model(own).unwrap_or_else(|| own.clone());
        let (stop, ledger) = (stop.clone(), Arc::clone(ledger));
        session.with_page_reader(Arc::new(SmallModel { route, priority: request.priority, stop, ledger }))
    }

    /// The small model of a route's provider, looked for once.
    fn small_model(&mut self, own: &BoundRoute) -> Option<BoundRoute> {
        let provider = &own.route.provider;
        if let Some(small) = self.small_models.get(provider) {
            return small.clone();
        }
        let services = Arc::clone(&self.services);
        let haiku = ModelChoice::Tier(ModelTier::Haiku);
        let (settings, environment) = (&services.settings, &services.environment);
        let planned = plan_routes(&haiku, Some(provider), &[], settings, environment, &services.providers);
        let small = planned.ok().and_then(|routes| self.bind(routes.into_iter().next()?));
        self.small_models.insert(provider.clone(), small.clone());
        small
    }

    fn bind(&mut self, route: Route) -> Option<BoundRoute> {
        let provider = self.services.providers.get(&route.provider)?;
        let settings = GateSettings {
            provider: route.provider.clone(),
            kind: provider.kind,
            in_flight_max: provider.in_flight_max,
            limits: provider.limits,
        };
        let key = GateKey::of(provider, &route.provider);
        let gate = self.gates.entry(key).or_insert_with(|| ProviderActor::new(settings).start());
        let price = PriceTable::bundled().find(provider.kind, &route.model);
        Some(BoundRoute {
            backend: Arc::clone(&provider.backend),
            gate: gate.clone(),
            price,
            class: rate_class(provider.kind, &route.model).into(),
            patience: provider.patience(),
            cache_min_tokens: price.and_then(ModelInfo::cache_min_tokens),
            route,
        })
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
