//! From a request to a plan: which agent, which model on which routes, which tools, what it is told. Pure decisions;
//! nothing is started here.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Addr, Recipient};
use codex_task_config::{
    AgentDefinition, AgentHooks, AgentStatus, Problem, ProviderName, ToolSelection, WallClock, session_agent,
};
use codex_task_providers::Message;
use codex_task_tools::{HookCaller, Hooks, Owner, Session, ToolSet, Toolbox};

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
use crate::subagent::{AgentPlan, BoundRoute, StopSignal, schema_fault};
use crate::task::{Narrowing, TaskError, TaskRequest};

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
    pub(super) services: Arc<Services>,
    events: EventBus,
    pub(super) gates: GateBook,
    pub(super) book: AgentBook,
    /// The small model of each provider, where it has one.
    pub(super) small_models: HashMap<ProviderName, Option<BoundRoute>>,
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
        let agent = self.permitted_agent(request)?;
        let isolation =
            request.isolation.or(agent.isolation).map(|_| Isolated::of(&self.services, request.id));
        let isolation = isolation.transpose()?;
        let known = self.tools(request, &agent)?;
        let (routes, model_notes) = self.routes(request, &agent, budget)?;
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

    /// The agent of a task that may begin, as far as the request and the session's rights say.
    fn permitted_agent(&self, request: &TaskRequest) -> Result<Arc<AgentDefinition>, TaskError> {
        if request.prompt.trim().is_empty() {
            return Err(TaskError::EmptyPrompt);
        }
        if let Some(reason) = request.output.as_ref().and_then(schema_fault) {
            return Err(TaskError::InvalidSchema { reason });
        }
        let rights = &self.services.rights;
        if let Some(reason) = rights.broken() {
            return Err(TaskError::BrokenSettings { reason: reason.to_owned() });
        }
        let agent = self.find_agent(request)?;
        match rights.agent_denied_by(agent.name.as_str()) {
            Some(rule) => {
                Err(TaskError::AgentDenied { name: agent.name.to_string(), rule: rule.text.clone() })
            }
            None => Ok(agent),
        }
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
    pub(super) fn tools(
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
}
