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
use codex_task_providers::{Message, Route, plan_routes};
use codex_task_tools::{HookCaller, Hooks, Owner, Session, ToolDefinition, ToolSet, Toolbox};

use super::agent_book::{AgentBook, KnownTools};
use super::delegation::{Delegate, Delegation};
use super::gate_book::GateBook;
use super::isolated::Isolated;
use super::outside_call::{Ledger, OutsideCall};
use super::page_reader::SmallModel;
use super::prompt;
use super::server_tools::{Equipment, ServerTools};
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
    book: AgentBook,
    /// The small model of each provider, where it has one.
    small_models: HashMap<ProviderName, Option<BoundRoute>>,
}

impl Planner {
    pub(crate) fn new(services: Arc<Services>, events: EventBus) -> Self {
        let agents = services.agents.current();
        let hooks = agents.agents().flat_map(|agent| &agent.hooks).chain(&services.settings.hooks.hooks);
        hooks.for_each(|hook| Hooks::pin(std::slice::from_ref(hook), &services.session));
        let (gates, book, small_models) = (GateBook::new(), AgentBook::default(), HashMap::new());
        Self { services, events, gates, book, small_models }
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
        if let Some(reason) = self.services.rights.broken() {
            return Err(TaskError::BrokenSettings { reason: reason.to_owned() });
        }
        let agent = self.find_agent(request)?;
        if let Some(rule) = self.services.rights.agent_denied_by(agent.name.as_str()) {
            let (name, rule) = (agent.name.to_string(), rule.text.clone());
            return Err(TaskError::AgentDenied { name, rule });
        }
        let isolation =
            request.isolation.or(agent.isolation).map(|_| Isolated::of(&self.services, request.id));
        let isolation = isolation.transpose()?;
        let known = self.tools(request, &agent)?;
        let mut model_notes = Vec::new();
        let routes = self.routes(request, &agent, budget, &mut model_notes)?;
        let audit = TaskAudit::new(self.services.audit.as_ref(), || AuditSubject::of(request, &agent));
        let outside = Arc::default();
        let owner = Owner::new(agent.name.shared(), request.id.shared(), request.run.shared());
        let mut session = self.services.session.for_task(stop.token().clone()).owned_by(owner);
        if known.may_reach_web() {
            session = self.with_web(session, &routes, request, (stop, budget), (&outside, &audit));
        }
        session.taint.add(request.tainted_by.iter().cloned());
        let (hooks, withheld) = self.hooks(request, &agent, &session);
        let tools = known.tools.moved_to(session.with_hooks(hooks));
        let notes = known.notes.iter().cloned().chain(withheld).chain(model_notes).collect();
        let services = Arc::clone(&self.services);
        let prefix = self.book.page(&agent).prefix(request.lineage.is_of_session(), &tools);
        let limits = &services.settings.limits;
        let plan = AgentPlan {
            routes,
            system: prefix.system,
            tools: prefix.tools,
            cache_key: prefix.cache_key,
            temperature: agent.temperature,
            output_tokens_max: agent.max_tokens,
            effort: request.effort.or(agent.effort),
            output: request.output.clone(),
            turns_max: request.turns_max.or(agent.max_turns).unwrap_or(limits.max_turns),
            timeout: request.timeout.or(agent.timeout).unwrap_or(limits.timeout),
            call_timeout: limits.call_timeout,
            notes,
            outside,
            servers: known.servers.clone(),
            isolation,
        };
        let reminder = self.reminder(request, &agent, plan.isolation.as_deref());
        let opening = prompt::opening(reminder, &agent, request);
        Ok(Planned { plan: Arc::new(plan), tools: Arc::new(tools), opening, audit })
    }

    /// What a task's agent is told before it: the same for all of its tasks, unless it works elsewhere or answers in a form.
    fn reminder(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        isolation: Option<&Isolated>,
    ) -> Arc<str> {
        let (facts, today) = (&self.services.facts, WallClock::today());
        match (isolation, &request.output) {
            (None, None) => self.book.page(agent).reminder(facts, today),
            (None, output) => prompt::reminder(facts, today, agent, output.as_ref()),
            (Some(place), output) => prompt::reminder(&place.facts(facts), today, agent, output.as_ref()),
        }
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

    /// The tools of a task: its agent's, unless something else narrows them or adds to them.
    fn tools(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
    ) -> Result<Arc<KnownTools>, TaskError> {
        let is_its_own = request.lineage.above.is_empty()
            && request.permission_mode.is_none()
            && request.sandbox.is_none()
            && self.delegation(request, agent).is_none();
        if !is_its_own {
            return self.resolve(request, agent).map(Arc::new);
        }
        if let Some(known) = &self.book.page(agent).tools {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(self.resolve(request, agent)?);
        self.book.page(agent).tools = Some(Arc::clone(&known));
        Ok(known)
    }

    fn resolve(&self, request: &TaskRequest, agent: &Arc<AgentDefinition>) -> Result<KnownTools, TaskError> {
        let session = self.services.session.clone();
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
        let caller = || HookCaller {
            session_id: request.run.to_string(),
            agent_id: request.id.to_string(),
            agent_type: agent.name.shared(),
        };
        (Hooks::new(hooks, caller, session), withheld.into_iter().chain(unreadable).map(said).collect())
    }

    /// What an agent's tools are chosen from, and within which rights.
    fn equipment(&self, request: &TaskRequest, agent: &AgentDefinition, modes: TaskModes) -> Equipment {
        let services = &self.services;
        let rights = request.lineage.narrow(&services.rights);
        let tools = match self.delegation(request, agent) {
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

    /// What gives the agent of a task agents of its own, if it may have any.
    fn delegation(&self, request: &TaskRequest, agent: &AgentDefinition) -> Option<&Arc<dyn Delegation>> {
        // Agents that an isolated one would start would work on the very files that it is kept from.
        let is_isolated = request.isolation.or(agent.isolation).is_some();
        let may = request.lineage.depth < self.services.settings.limits.max_depth && !is_isolated;
        self.services.delegation.as_ref().filter(|_| may)
    }

    /// Where the calls of a task may go: as its agent's usually do, unless the request or a limit of money decides.
    fn routes(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
        notes: &mut Vec<String>,
    ) -> Result<Arc<[BoundRoute]>, TaskError> {
        let is_usual = request.model.is_none() && request.provider.is_none() && !budget.needs_prices();
        if is_usual && let Some(routes) = &self.book.page(agent).routes {
            return Ok(Arc::clone(routes));
        }
        let before = notes.len();
        let routes = self.find_routes(request, agent, budget, notes)?;
        // What is said of a choice is said to each task.
        if is_usual && notes.len() == before {
            self.book.page(agent).routes = Some(Arc::clone(&routes));
        }
        Ok(routes)
    }

    fn find_routes(
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
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
    ) -> Result<AutoChoice, TaskError> {
        let known = self.tools(request, agent)?;
        let services = &self.services;
        let only_looks = |tool: &ToolDefinition| LOOKING.contains(&tool.name.as_str());
        let is_read_only = known.servers.is_none() && known.tools.definitions().iter().all(only_looks);
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
