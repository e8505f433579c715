//! From the model that a task asks for to the providers and models that can be called for it, in order.

use std::fmt;

use codex_task_config::{
    Environment, ModelChoice, ModelId, ModelTier, ProviderKind, ProviderName, Settings, model_of_tier,
    vendor_of_model,
};

use super::vendor::Vendor;
use super::{Provider, ProviderRegistry, RouteError};

/// The tier of tasks that ask for no model, in sessions that have none.
const USUAL_TIER: ModelTier = ModelTier::Sonnet;

/// A provider and a model of its own spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The provider.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelId,
}

impl fmt::Display for Route {
    /// `anthropic/claude-sonnet-5-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// The routes of a task, first the model that it asks for, then its fallbacks. Deterministic; connects to nothing.
///
/// | asked for | goes to |
/// |---|---|
/// | anything, by an agent with `provider:` | that provider, as it stands |
/// | `PROVIDER/MODEL` | that provider, if there is one of this name |
/// | a full id | `provider:` of the settings, unless that is another vendor's; else a provider that lists the id; else the vendor's; an id of no vendor goes to the only provider that takes any |
/// | haiku, sonnet, opus, fable, nothing | `provider:` of the settings; else the first that has such a model: anthropic, openai, gemini, the user's own by name, local |
///
/// The fallbacks are the agent's, then those of the settings, then, for aliases where nobody names a provider, the same
/// alias at each other vendor. Whoever names a provider may mean that nothing goes elsewhere.
///
/// # Errors
/// [`RouteError`] when the model itself has no route. Fallbacks without one are left out.
pub fn plan_routes(
    choice: &ModelChoice,
    provider: Option<&ProviderName>,
    fallback: &[String],
    settings: &Settings,
    environment: &Environment,
    registry: &ProviderRegistry,
) -> Result<Vec<Route>, RouteError> {
    if registry.is_empty() {
        return Err(match registry.problems() {
            [] => RouteError::NoProvider,
            problems => RouteError::NoUsableProvider { problems: problems.to_vec() },
        });
    }
    let planner = Planner { environment, registry };
    let preferred = provider.or(settings.provider.as_ref());
    let soft = preferred.map_or(Wish::Any, Wish::Preferred);
    let wish = provider.map_or(soft, Wish::Pinned);
    // A name that means nothing is told even where the model names a provider of its own: it is a slip of the pen.
    preferred.map(|name| planner.provider(name)).transpose()?;
    let first = planner.route(choice, wish)?;
    let mut routes = vec![first];
    for text in fallback.iter().chain(&settings.fallback) {
        let choice = ModelChoice::parse(text);
        if choice != ModelChoice::Inherit {
            add(&mut routes, planner.route(&choice, soft).ok());
        }
    }
    if preferred.is_none() {
        for route in planner.at_other_vendors(choice, &routes) {
            add(&mut routes, Some(route));
        }
    }
    Ok(routes)
}

/// Each route once, at its first place.
fn add(routes: &mut Vec<Route>, route: Option<Route>) {
    if let Some(route) = route.filter(|route| !routes.contains(route)) {
        routes.push(route);
    }
}

/// Whether somebody names a provider.
#[derive(Clone, Copy)]
enum Wish<'a> {
    /// Nobody does.
    Any,
    /// The settings do: for aliases, and for ids that can be meant for it.
    Preferred(&'a ProviderName),
    /// The agent does: for whatever it asks.
    Pinned(&'a ProviderName),
}

struct Planner<'a> {
    environment: &'a Environment,
    registry: &'a ProviderRegistry,
}

impl<'a> Planner<'a> {
    fn route(&self, choice: &ModelChoice, wish: Wish<'_>) -> Result<Route, RouteError> {
        match choice {
            // Whoever asks for `auto` has chosen a tier before it comes to a route.
            ModelChoice::Inherit | ModelChoice::Auto => self.tier(USUAL_TIER, wish),
            ModelChoice::Tier(tier) => self.tier(*tier, wish),
            ModelChoice::Exact(id) => self.exact(id, wish),
        }
    }

    fn tier(&self, tier: ModelTier, wish: Wish<'_>) -> Result<Route, RouteError> {
        let route = match wish {
            Wish::Any => {
                self.registry.by_preference().find_map(|(name, provider)| self.tier_at(name, provider, tier))
            }
            Wish::Preferred(name) | Wish::Pinned(name) => self.tier_at(name, self.provider(name)?, tier),
        };
        route.ok_or_else(|| RouteError::NoProviderFor { model: tier.as_str().to_owned(), variable: None })
    }

    fn tier_at(&self, name: &ProviderName, provider: &Provider, tier: ModelTier) -> Option<Route> {
        let own = provider.models.get(tier.as_str()).cloned();
        let model = own
            .or_else(|| model_of_tier(provider.kind, tier, self.environment))
            .or_else(|| provider.default_model.clone())
            // A scenario or a host's own backend makes of an alias what it likes.
            .or_else(|| (provider.kind == ProviderKind::Scripted).then(|| ModelId::new(tier.as_str())))?;
        Some(Route { provider: name.clone(), model })
    }

    fn exact(&self, id: &ModelId, wish: Wish<'_>) -> Result<Route, RouteError> {
        if let Wish::Pinned(name) = wish {
            let provider = self.provider(name)?;
            // The provider's name before the id changes nothing.
            let rest = id.as_str().strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/'));
            return Ok(own_spelling(name, provider, &rest.map_or_else(|| id.clone(), ModelId::new)));
        }
        if let Some((name, rest)) = self.named(id) {
            return self.route(&ModelChoice::parse(rest), Wish::Pinned(&name));
        }
        let vendor = vendor_of_model(id);
        if let Wish::Preferred(name) = wish {
            let provider = self.provider(name)?;
            let is_anothers = provider.kind.vendor().is_some()
                && vendor.is_some_and(|vendor| vendor.vendor() != provider.kind.vendor());
            if !is_anothers {
                return Ok(own_spelling(name, provider, id));
            }
        }
        self.listed(id).map_or_else(|| self.by_vendor(id, vendor), Ok)
    }

    /// `PROVIDER/MODEL` with the name of a provider that there is.
    fn named<'i>(&self, id: &'i ModelId) -> Option<(ProviderName, &'i str)> {
        let (name, rest) = id.as_str().split_once('/')?;
        let name = ProviderName::new(name);
        let is_named = !rest.is_empty() && self.registry.get(&name).is_some();
        is_named.then_some((name, rest))
    }

    /// At the first provider that lists the id: as an alias of the user's own, as the model behind one, or among the
    /// models that it offers.
    fn listed(&self, id: &ModelId) -> Option<Route> {
        self.registry.by_preference().find_map(|(name, provider)| {
            let lists = provider.models.contains_key(&id.as_str().to_lowercase())
                || provider.models.values().any(|model| model == id)
                || provider.offered.contains(id);
            lists.then(|| own_spelling(name, provider, id))
        })
    }

    fn by_vendor(&self, id: &ModelId, vendor: Option<ProviderKind>) -> Result<Route, RouteError> {
        let Some(vendor) = vendor else { return self.only_one_that_takes_any(id) };
        let mut providers = self.registry.by_preference();
        if let Some((name, provider)) = providers.find(|(_, provider)| provider.kind == vendor) {
            return Ok(own_spelling(name, provider, id));
        }
        let vendor = Vendor::of(vendor);
        let is_vendors = |name: &ProviderName| vendor.is_some_and(|vendor| vendor.name == name.as_str());
        match self.registry.problems().iter().find(|problem| is_vendors(&problem.name)) {
            Some(problem) => Err(RouteError::UnusableProvider { problem: problem.clone() }),
            None => Err(RouteError::NoProviderFor {
                model: id.to_string(),
                variable: vendor.map(|vendor| vendor.key_variable()),
            }),
        }
    }

    /// An id of no known vendor can only be meant for a server that is no vendor's own. A local server that was found
    /// says which models it has.
    fn only_one_that_takes_any(&self, id: &ModelId) -> Result<Route, RouteError> {
        let takes_any =
            |(_, provider): &(&ProviderName, &Provider)| !provider.is_official && provider.offered.is_empty();
        let mut providers = self.registry.by_preference().filter(takes_any);
        match (providers.next(), providers.next()) {
            (Some((name, provider)), None) => Ok(own_spelling(name, provider, id)),
            (Some(_) | None, _) => Err(RouteError::NoProviderFor { model: id.to_string(), variable: None }),
        }
    }

    /// The same tier at each vendor that has no route yet.
    fn at_other_vendors(&self, choice: &ModelChoice, routes: &[Route]) -> Vec<Route> {
        let tier = match choice {
            ModelChoice::Inherit | ModelChoice::Auto => USUAL_TIER,
            ModelChoice::Tier(tier) => *tier,
            ModelChoice::Exact(_) => return Vec::new(),
        };
        let vendor_of = |route: &Route| self.registry.get(&route.provider).and_then(|p| p.kind.vendor());
        // Only what the task asked for: an agent's own fallback to another model does not rule its vendor out.
        let mut vendors: Vec<&str> = routes.first().and_then(vendor_of).into_iter().collect();
        let mut others = Vec::new();
        for (name, provider) in self.registry.by_preference() {
            let Some(vendor) = provider.kind.vendor().filter(|vendor| !vendors.contains(vendor)) else {
                continue;
            };
            vendors.push(vendor);
            others.extend(self.tier_at(name, provider, tier));
        }
        others
    }

    fn provider(&self, name: &ProviderName) -> Result<&'a Provider, RouteError> {
        self.registry.get(name).ok_or_else(|| {
            match self.registry.problems().iter().find(|problem| problem.name == *name) {
                Some(problem) => RouteError::UnusableProvider { problem: problem.clone() },
                None => RouteError::UnknownProvider {
                    name: name.clone(),
                    known: self.registry.iter().map(|(name, _)| name.clone()).collect(),
                },
            }
        })
    }
}

/// The model under the provider's own name for it.
fn own_spelling(name: &ProviderName, provider: &Provider, id: &ModelId) -> Route {
    let own = provider.models.get(&id.as_str().to_lowercase());
    Route { provider: name.clone(), model: own.unwrap_or(id).clone() }
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
