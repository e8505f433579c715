//! The configured providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_task_config::{
    CallTimeouts, Environment, ModelId, ProviderKind, ProviderName, ProviderSettings, RateSettings, Settings,
};

use super::vendor::{OF_ENVIRONMENT, Vendor};
use super::{LocalServer, ProviderProblem, build};
use crate::{
    BaseUrl, CallLimits, ChatBackend, ChatDialect, HttpSettings, OpenAiChatBackend, OpenAiChatConfig,
};

/// Calls that a local server gets at once. It answers few at a time; more would only wait there, on our time-outs.
const LOCAL_IN_FLIGHT_MAX: usize = 4;

/// One provider, ready to be called.
#[derive(Clone)]
pub struct Provider {
    /// Its wire format.
    pub kind: ProviderKind,
    /// What calls it.
    pub backend: Arc<dyn ChatBackend>,
    /// Calls in flight at most.
    pub in_flight_max: usize,
    /// What the settings say that it takes in a minute.
    pub limits: RateSettings,
    /// How long the settings let each part of a call take.
    pub timeouts: CallTimeouts,
    /// Its names for aliases, from the settings.
    pub models: BTreeMap<String, ModelId>,
    /// The model for every alias without a name of its own: a local server's.
    pub default_model: Option<ModelId>,
    /// The models that it is known to offer: a local server's. Empty where nobody asked.
    pub offered: Vec<ModelId>,
    /// Its address; `None` for scenarios and a host's own backends.
    pub base_url: Option<BaseUrl>,
    /// Where its key comes from.
    pub key: KeySource,
    /// Whether it is the vendor's own server, which serves the vendor's models only.
    pub(super) is_official: bool,
}

/// Where a provider's key comes from. Never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The environment variable of this name.
    Variable(String),
    /// No key is sent.
    Absent,
}

/// All providers by name.
#[derive(Clone, Default)]
pub struct ProviderRegistry {
    providers: BTreeMap<ProviderName, Provider>,
    problems: Vec<ProviderProblem>,
}

impl Provider {
    /// A host's own backend.
    pub(super) fn of_host(backend: Arc<dyn ChatBackend>) -> Self {
        Self {
            kind: ProviderKind::Scripted,
            backend,
            in_flight_max: ProviderSettings::IN_FLIGHT_MAX,
            limits: RateSettings::default(),
            timeouts: CallTimeouts::default(),
            models: BTreeMap::new(),
            default_model: None,
            offered: Vec::new(),
            base_url: None,
            key: KeySource::Absent,
            is_official: false,
        }
    }

    /// How long each part of a call may take: as the settings say, else as the backend does.
    pub fn patience(&self) -> CallLimits {
        let usual = self.backend.patience();
        CallLimits {
            headers: self.timeouts.headers.unwrap_or(usual.headers),
            first_event: self.timeouts.first_event.unwrap_or(usual.first_event),
            event_idle: self.timeouts.event_idle.unwrap_or(usual.event_idle),
            total: usual.total,
        }
    }

    fn of_local(server: LocalServer) -> Self {
        let backend = OpenAiChatBackend::new(OpenAiChatConfig {
            name: ProviderName::new(ProviderRegistry::LOCAL),
            http: HttpSettings::new(server.base_url.clone(), LOCAL_IN_FLIGHT_MAX),
            credential: None,
            dialect: ChatDialect::Local,
            context_tokens: server.context_tokens,
            attachments: None,
        });
        Self {
            kind: ProviderKind::OpenAiChat,
            in_flight_max: LOCAL_IN_FLIGHT_MAX,
            default_model: Some(server.model),
            offered: server.models,
            base_url: Some(server.base_url),
            ..Self::of_host(Arc::new(backend))
        }
    }
}

impl ProviderRegistry {
    /// The name of a local server that was found.
    pub const LOCAL: &str = "local";

    /// The providers of the settings, and `anthropic`, `openai`, `gemini` where the environment has a key or a base
    /// URL for them. Connects to nothing. A provider that cannot be used is left out and remembered in
    /// [`Self::problems`].
    pub fn new(settings: &Settings, environment: &Environment) -> Self {
        let mut registry = Self::default();
        for (name, provider) in &settings.providers {
            registry.insert(name, build::build(name, provider, environment));
        }
        for kind in OF_ENVIRONMENT {
            let Some(vendor) = Vendor::of(kind).filter(|vendor| vendor.is_in(environment)) else { continue };
            let name = ProviderName::new(vendor.name);
            if !settings.providers.contains_key(&name) {
                registry.insert(&name, build::build(&name, &ProviderSettings::new(kind), environment));
            }
        }
        registry
    }

    pub(super) fn insert(&mut self, name: &ProviderName, provider: Result<Provider, ProviderProblem>) {
        match provider {
            Ok(provider) => {
                self.providers.insert(name.clone(), provider);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Adds a host's own backend, or replaces the one of the same name.
    pub fn register(&mut self, backend: Arc<dyn ChatBackend>) {
        self.problems.retain(|problem| problem.name != *backend.name());
        self.providers.insert(backend.name().clone(), Provider::of_host(backend));
    }

    /// Adds a local server that was found, as `local`. A provider of the settings keeps that name.
    pub fn add_local(&mut self, server: LocalServer) {
        self.providers
            .entry(ProviderName::new(ProviderRegistry::LOCAL))
            .or_insert_with(|| Provider::of_local(server));
    }

    /// Whether there is no provider at all.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// A provider.
    pub fn get(&self, name: &ProviderName) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// All providers, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderName, &Provider)> {
        self.providers.iter()
    }

    /// The providers that were configured and cannot be used.
    pub fn problems(&self) -> &[ProviderProblem] {
        &self.problems
    }

    /// All providers in the order in which they are preferred when nobody names one: the vendors, the user's own, a
    /// local server that was found.
    pub(super) fn by_preference(&self) -> impl Iterator<Item = (&ProviderName, &Provider)> {
        let mut ordered: Vec<_> = self.providers.iter().collect();
        // Stable: the user's own stay sorted by name.
        ordered.sort_by_key(|(name, _)| rank(name));
        ordered.into_iter()
    }
}

fn rank(name: &ProviderName) -> usize {
    let vendors = OF_ENVIRONMENT.iter().filter_map(|kind| Vendor::of(*kind));
    match vendors.map(|vendor| vendor.name).position(|vendor| vendor == name.as_str()) {
        Some(place) => place,
        None if name.as_str() == ProviderRegistry::LOCAL => usize::MAX,
        None => OF_ENVIRONMENT.len(),
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
