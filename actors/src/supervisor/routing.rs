//! Where the calls of a task may go: from what the request, the agent's file and the settings say to bound routes.

use std::sync::Arc;

use codex_task_config::{
    AgentDefinition, AutoChoice, AutoRequest, ModelChoice, ModelInfo, ModelRequest, ModelTier, PriceTable,
    ProviderName, ToolReach, WallClock, rate_class, resolve_model,
};
use codex_task_providers::{Route, plan_routes};
use codex_task_tools::ToolDefinition;

use super::planner::Planner;
use crate::budget::Budget;
use crate::subagent::{BYTES_PER_TOKEN, BoundRoute};
use crate::task::{TaskError, TaskRequest};

/// Tools that change nothing: agents with no others are read-only for the automatic choice of a model.
const LOOKING: [&str; 9] =
    ["Read", "Glob", "Grep", "LS", "WebFetch", "WebSearch", "TodoWrite", "BashOutput", "TaskOutput"];

/// Routes in order of preference, and what the user should know of them.
type Routed = (Arc<[BoundRoute]>, Vec<String>);

impl Planner {
    /// Where the calls of a task may go, and what is to be said of that: as its agent's usually do, unless the request or a
    /// limit of money decides.
    pub(super) fn routes(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
    ) -> Result<Routed, TaskError> {
        let is_usual = request.model.is_none() && request.provider.is_none() && !budget.needs_prices();
        if is_usual && let Some(routes) = &self.book.page(agent).routes {
            return Ok((Arc::clone(routes), Vec::new()));
        }
        let (routes, notes) = self.find_routes(request, agent, budget)?;
        // What is said of a choice is said to each task.
        if is_usual && notes.is_empty() {
            self.book.page(agent).routes = Some(Arc::clone(&routes));
        }
        Ok((routes, notes))
    }

    fn find_routes(
        &mut self,
        request: &TaskRequest,
        agent: &Arc<AgentDefinition>,
        budget: &Budget,
    ) -> Result<Routed, TaskError> {
        let services = Arc::clone(&self.services);
        let wanted = ModelRequest {
            per_call: request.model.as_ref(),
            agent: &agent.model,
            session: services.settings.model.as_ref(),
        };
        let mut notes = Vec::new();
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
        if !budget.needs_prices() {
            return Ok((bound.into(), notes));
        }
        let (priced, left_out) = with_prices(bound)?;
        notes.extend(left_out);
        Ok((priced, notes))
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

    /// The small model of a provider, looked for once.
    pub(super) fn small_model(&mut self, provider: &ProviderName) -> Option<BoundRoute> {
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

/// The routes whose price is known, since a limit of money alone holds for no other; and what is said of the first of those.
fn with_prices(routes: Vec<BoundRoute>) -> Result<(Arc<[BoundRoute]>, Option<String>), TaskError> {
    let (priced, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|bound| bound.price.is_some());
    match (priced.is_empty(), others.first()) {
        (true, Some(first)) => Err(TaskError::PriceUnknown { model: first.route.model.clone() }),
        (_, other) => {
            let left_out = |bound: &BoundRoute| {
                format!("{} is not used: max_cost is set and its price is not known", bound.route)
            };
            Ok((priced.into(), other.map(left_out)))
        }
    }
}
