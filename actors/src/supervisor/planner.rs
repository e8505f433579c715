//! From a request to a plan: which agent, which model on which routes, which tools, what it is told. Pure decisions;
//! nothing is started here.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Addr, Recipient};
use codex_task_config::{
    AgentDefinition, AgentHooks, AgentStatus, AutoChoice, AutoRequest, ModelChoice, ModelInfo, ModelRequest,
    ModelTier, PriceTable, Problem, ProviderName, ToolReach, ToolSelection, WallClock, rate_class,
    resolve_model, session_agent,
};
use codex_task_providers::{Message, Route, ToolSpec, plan_routes};
use codex_task_tools::{HookCaller, Hooks, Owner, Session, ToolDefinition, ToolSet, Toolbox};

use super::delegation::Delegate;
use super::gate_book::GateBook;
use super::isolated::Isolated;
use super::outside_call::{Ledger, OutsideCall};
use super::page_reader::SmallModel;
use super::prompt;
use super::server_tools::{Equipment, ServerTools, to_spec};
use super::services::Services;
use super::task_modes::TaskModes;
use super::web_searcher::SearchModel;
use crate::aggregator::{EventBus, Teller};
use crate::audit::{AuditSubject, TaskAudit};
use crate::budget::Budget;
use crate::dice::Dice;
use crate::provider::{Gate, ProviderActor, ProviderGone};
use crate::subagent::{AgentPlan, BYTES_PER_TOKEN, BoundRoute, StopSignal, schema_fault};
use crate::task::{Narrowing, TaskError, TaskRequest};

/// Tools that change nothing: agents with no others are read-only for the automatic choice of a model.
const LOOKING: [&str; 9] =
    ["Read", "Glob", "Grep", "LS", "WebFetch", "WebSearch", "TodoWrite", "BashOutput", "TaskOutput"];

/// What a task needs to start.
pub(crate) struct Planned {
    pub(crate) plan: Arc<AgentPlan>,
    pub(crate) tools: Arc<ToolSet>,
    /// The first user turn.
    pub(crate) opening: Arc<Message>,
    /// Where it tells what it does.
    pub(crate) audit: TaskAudit,
}

/// Plans tasks; remembers what is the same for all tasks of an agent.
pub(crate) struct Planner {
    services: Arc<Services>,
    events: EventBus,
    gates: GateBook,
    prefixes: HashMap<Arc<str>, Prefix>,
    /// The small model of each provider, where it has one.
    small_models: HashMap<ProviderName, Option<BoundRoute>>,
}

/// The cached part of an agent's prompt. Valid as long as the agent's definition and its tools are the same.
struct Prefix {
    definition: Arc<AgentDefinition>,
    definitions: Arc<[ToolDefinition]>,
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
    pub(crate) fn new(services: Arc<Services>, events: EventBus) -> Self {
        let agents = services.agents.current();
        let hooks = agents.agents().flat_map(|agent| &agent.hooks).chain(&services.settings.hooks.hooks);
        hooks.for_each(|hook| Hooks::pin(std::slice::from_ref(hook), &services.session));
        let (prefixes, small_models) = (HashMap::new(), HashMap::new());
        Self { services, events, gates: GateBook::new(), prefixes, small_models }
    }

    /// The actors of the providers that were used so far, with the names of these.
    pub(crate) fn gates(&self) -> impl Iterator<Item = (&ProviderName, Addr<ProviderActor>)> {
        self.gates.actors()
    }

    /// Tells this actor from now on when one of a provider is gone; they draw from dice that are split off these.
    pub(crate) fn report_to(&mut self, supervisor: Recipient<ProviderGone>, dice: Dice) {
        self.gates.report_to(supervisor, dice);
    }

    /// Where the calls of a provider are admitted, if any was made so far.
    pub(crate) fn gate(&self, provider: &ProviderName) -> Option<&Gate> {
        self.gates.find(provider, self.services.providers.get(provider)?)
    }

    /// Starts the actor of a provider again, in the place of the one that has died.
    pub(crate) fn restart_gate(&mut self, provider: &ProviderName) {
        if let Some(own) = self.services.providers.get(provider) {
            self.gates.restart(provider, own);
        }
    }

    /// Plans one task, or says why it cannot begin.
    pub(crate) fn plan(
        &mut self,
        request: &TaskRequest,
        stop: &StopSignal,
        budget: &Arc<Budget>,
    ) -> Result<Planned, TaskError> {
        if request.prompt.trim().is_empty() {
            return Err(TaskError::EmptyPrompt);
        }
        if let Some(reason) = request.output.as_ref().and_then(schema_fault) {
            return Err(TaskError::InvalidSchema { reason });
        }
        let agent = self.find_agent(request)?;
        if let Some(rule) = self.services.rights.agent_denied_by(agent.name.as_str()) {
            let (name, rule) = (agent.name.to_string(), rule.text.clone());
            return Err(TaskError::AgentDenied { name, rule });
        }
        let isolation =
            request.isolation.or(agent.isolation).map(|_| Isolated::of(&self.services, request.id));
        let isolation = isolation.transpose()?;
        let mut model_notes = Vec::new();
        let routes = self.routes(request, &agent, budget, &mut model_notes);
        let audit = TaskAudit::new(self.services.audit.as_ref(), || AuditSubject::of(request, &agent));
        let outside = Arc::default();
        let owner = Owner::new(agent.name.as_str(), request.id.to_string()).in_run(request.run.to_string());
        let session = self.services.session.for_task(stop.token().clone()).owned_by(owner);
        let session = match &routes {
            Ok(routes) => self.with_web(session, routes, request, (stop, budget), (&outside, &audit)),
            Err(_) => session,
        };
        session.taint.add(request.tainted_by.iter().cloned());
        let (hooks, withheld) = self.hooks(request, &agent, &session);
        let session = session.with_hooks(hooks);
        let KnownTools { tools, mut notes, servers } = self.tools(request, &agent, session)?;
        let routes = routes?;
        notes.extend(withheld.into_iter().chain(model_notes));
        let services = Arc::clone(&self.services);
        let prefix = self.prefix(request, &agent, &tools);
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
            timeout: request.timeout.or(agent.timeout).unwrap_or(limits.timeout),
            call_timeout: limits.call_timeout,
            notes,
            outside,
            servers,
            isolation,
        };
        let facts = plan.isolation.as_ref().map(|place| place.facts(&services.facts));
        let opening = prompt::opening(facts.as_ref().unwrap_or(&services.facts), &agent, request);
        Ok(Planned { plan: Arc::new(plan), tools: Arc::new(tools), opening, audit })
    }

    fn find_agent(&self, request: &TaskRequest) -> Result<Arc<AgentDefinition>, TaskError> {
        let name = &*request.subagent_type;
        if request.lineage.is_of_session()
            && let Some(agent) = session_agent(name)
        {
            return Ok(agent);
        }
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
        let equipment = self.equipment(request, agent, TaskModes::of(agent, request));
        match ServerTools::of(&self.services, agent, &equipment) {
            None => {
                let (tools, notes) = equipment.resolve(agent, session)?;
                Ok(KnownTools { tools, notes, servers: None })
            }
            // Its list is resolved as a whole once its servers run; until then there is a session and nothing to call.
            Some(servers) => {
                let nothing = AgentDefinition { tools: ToolSelection::Inherit, ..(**agent).clone() };
                let (tools, _) =
                    Equipment { toolbox: Toolbox::default(), ..equipment }.resolve(&nothing, session)?;
                Ok(KnownTools { tools, notes: Vec::new(), servers: Some(Arc::new(servers)) })
            }
        }
    }

    /// The hooks of a task, and why some of the agent's own are not among them.
    fn hooks(
        &self,
        request: &TaskRequest,
        agent: &AgentDefinition,
        session: &Session,
    ) -> (Hooks, Vec<String>) {
        let AgentHooks { hooks, withheld } = self.services.settings.agent_hooks(agent);
        // Of an agent whose file has changed since the session began.
        Hooks::pin(&agent.hooks, &self.services.session);
        let unreadable = Hooks::problems(&agent.hooks);
        let said = |problem: Problem| match &problem.help {
            Some(help) => format!("{}; {help}", problem.message),
            None => problem.message,
        };
        let caller = HookCaller {
            session_id: request.run.to_string(),
            agent_id: request.id.to_string(),
            agent_type: agent.name.as_str().into(),
        };
        (Hooks::new(hooks, caller, session), withheld.into_iter().chain(unreadable).map(said).collect())
    }

    /// What an agent's tools are chosen from, and within which rights.
    fn equipment(&self, request: &TaskRequest, agent: &AgentDefinition, modes: TaskModes) -> Equipment {
        let services = &self.services;
        let rights = request.lineage.narrow(&services.rights);
        // Agents that an isolated one would start would work on the very files that it is kept from.
        let is_isolated = request.isolation.or(agent.isolation).is_some();
        let may_delegate = request.lineage.depth < services.settings.limits.max_depth && !is_isolated;
        let tools = match services.delegation.as_ref().filter(|_| may_delegate) {
            None => Vec::new(),
            Some(delegation) => {
                let (tools, disallowed) = (agent.tools.clone(), agent.disallowed_tools.clone());
                let TaskModes { permission: mode, sandbox } = modes;
                let own = Narrowing { tools, disallowed, mode, sandbox };
                let children = request.lineage.child(request.id, own);
                let TaskRequest { id: task, run, run_limits, .. } = *request;
                delegation.tools(Delegate { task, run, run_limits, children })
            }
        };
        let toolbox = tools.into_iter().fold(services.toolbox.clone(), Toolbox::with);
        Equipment { toolbox, rights, modes }
    }

    fn routes(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
        notes: &mut Vec<String>,
    ) -> Result<Arc<[BoundRoute]>, TaskError> {
        let services = Arc::clone(&self.services);
        let wanted = ModelRequest {
            per_call: request.model.as_ref(),
            agent: &agent.model,
            session: services.settings.model.as_ref(),
        };
        let mut choice = resolve_model(&wanted, &services.environment);
        if choice == ModelChoice::Auto {
            let AutoChoice { tier, reason } = self.auto(request, agent, budget)?;
            notes.push(reason);
            choice = ModelChoice::Tier(tier);
        }
        let routes = plan_routes(
            &choice,
            request.provider.as_ref().or(agent.provider.as_ref()),
            &agent.fallback,
            &services.settings,
            &services.environment,
            &services.providers,
        )?;
        let bound: Vec<_> = routes.into_iter().filter_map(|route| self.bind(route)).collect();
        if budget.needs_prices() { with_prices(bound, notes) } else { Ok(bound.into()) }
    }

    /// What `auto` means for this task.
    fn auto(
        &self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
    ) -> Result<AutoChoice, TaskError> {
        let services = &self.services;
        let KnownTools { tools, servers, .. } = self.tools(request, agent, services.session.clone())?;
        let only_looks = |tool: &ToolDefinition| LOOKING.contains(&tool.name.as_str());
        let is_read_only = servers.is_none() && tools.definitions().iter().all(only_looks);
        let wanted = AutoRequest {
            prompt_tokens: (request.prompt.len() + agent.prompt.len()) as u64 / BYTES_PER_TOKEN,
            reach: if is_read_only { ToolReach::ReadOnly } else { ToolReach::Changes },
            effort: request.effort.or(agent.effort),
            cost_max: budget.cost_max(),
        };
        let today = WallClock::today();
        Ok(wanted.choose(|tier, usage| {
            let tier = ModelChoice::Tier(tier);
            let (settings, environment) = (&services.settings, &services.environment);
            let provider = agent.provider.as_ref();
            let routes =
                plan_routes(&tier, provider, &[], settings, environment, &services.providers).ok()?;
            let route = routes.first()?;
            let kind = services.providers.get(&route.provider)?.kind;
            PriceTable::bundled().find(kind, &route.model)?.cost(usage, today)
        }))
    }

    /// A task's session with what reads and searches the web for it: the small model of the provider that the agent
    /// itself is on, or where that has none the agent's own. Searching takes one whose provider has a search, which may
    /// be another provider's where the user says so.
    fn with_web(
        &mut self,
        session: Session,
        routes: &[BoundRoute],
        request: &TaskRequest,
        (stop, budget): (&StopSignal, &Arc<Budget>),
        (ledger, audit): (&Arc<Ledger>, &TaskAudit),
    ) -> Session {
        let Some(own) = routes.first() else { return session };
        let small = self.small_model(&own.route.provider);
        let services = Arc::clone(&self.services);
        let candidates = match &services.settings.web.search_provider {
            Some(provider) => vec![self.small_model(provider)],
            None => vec![small.clone(), Some(own.clone())],
        };
        let can_search = |bound: &BoundRoute| bound.backend.searches(&bound.route.model);
        let searcher = candidates.into_iter().flatten().find(can_search);
        let outside = |route| {
            let (stop, ledger, budget) = (stop.clone(), Arc::clone(ledger), Arc::clone(budget));
            let (teller, audit) = (Teller::of(request, &self.events), audit.clone());
            OutsideCall { route, priority: request.priority, stop, ledger, budget, teller, audit }
        };
        let reader = SmallModel(outside(small.unwrap_or_else(|| own.clone())));
        let session = session.with_page_reader(Arc::new(reader));
        match searcher {
            Some(route) => session.with_web_searcher(Arc::new(SearchModel(outside(route)))),
            None => session,
        }
    }

    /// The small model of a provider, looked for once.
    fn small_model(&mut self, provider: &ProviderName) -> Option<BoundRoute> {
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
        let price = PriceTable::bundled().find(provider.kind, &route.model);
        Some(BoundRoute {
            backend: Arc::clone(&provider.backend),
            gate: self.gates.open(&route.provider, provider),
            price,
            class: rate_class(provider.kind, &route.model).into(),
            patience: provider.patience(),
            cache_min_tokens: price.and_then(ModelInfo::cache_min_tokens),
            route,
        })
    }

    fn prefix(&mut self, request: &TaskRequest, agent: &Arc<AgentDefinition>, tools: &ToolSet) -> &Prefix {
        let definitions = tools.definitions();
        let key: Arc<str> = agent.name.as_str().into();
        let is_current = self.prefixes.get(&key).is_some_and(|prefix| {
            Arc::ptr_eq(&prefix.definition, agent)
                && prefix.definitions.len() == definitions.len()
                && prefix.definitions.iter().zip(definitions.iter()).all(|(a, b)| is_same(a, b))
        });
        if !is_current {
            self.prefixes.remove(&key);
        }
        self.prefixes.entry(key).or_insert_with(|| {
            let system = if request.lineage.is_of_session() {
                prompt::system_prompt_of_session(&agent.prompt)
            } else {
                prompt::system_prompt(&agent.prompt)
            };
            let specs: Arc<[ToolSpec]> = definitions.iter().map(to_spec).collect();
            Prefix {
                definition: Arc::clone(agent),
                definitions: Arc::clone(definitions),
                cache_key: prompt::cache_key(&system, &specs),
                system,
                tools: specs,
            }
        })
    }
}

/// The routes whose price is known: a limit of money alone holds for no other.
fn with_prices(routes: Vec<BoundRoute>, notes: &mut Vec<String>) -> Result<Arc<[BoundRoute]>, TaskError> {
    let (priced, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|bound| bound.price.is_some());
    match (priced.is_empty(), others.first()) {
        (true, Some(first)) => Err(TaskError::PriceUnknown { model: first.route.model.clone() }),
        (_, other) => {
            let left_out = |bound: &BoundRoute| {
                format!("{} is not used: max_cost is set and its price is not known", bound.route)
            };
            notes.extend(other.map(left_out));
            Ok(priced.into())
        }
    }
}

/// Whether two tools are offered in the same words. Those of one toolbox share them; the Task tool's change with the
/// agents.
fn is_same(a: &ToolDefinition, b: &ToolDefinition) -> bool {
    a.name == b.name && (Arc::ptr_eq(&a.description, &b.description) || a.description == b.description)
}
