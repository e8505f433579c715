//! The agents as they are now, for everything that looks them up.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{AgentRegistry, AgentSources};
use crate::Environment;

/// The agents as they are now; shared by everything that looks them up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    current: Arc<ArcSwap<AgentRegistry>>,
    /// What is read again when a file changes; `None` for a fixed set.
    origin: Option<Arc<Origin>>,
}

#[derive(Debug)]
struct Origin {
    environment: Environment,
    sources: AgentSources,
    /// Held while reading, so that a slow reading never replaces a later one.
    reading: Mutex<()>,
}

impl RegistryHandle {
    /// Exactly these agents, for ever.
    pub fn fixed(registry: AgentRegistry) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(registry)), origin: None }
    }

    /// Reads all agents; [`RegistryHandle::reload`] reads them again.
    pub fn load(environment: Environment, sources: AgentSources) -> Self {
        let registry = AgentRegistry::load(&environment, &sources);
        Self {
            current: Arc::new(ArcSwap::from_pointee(registry)),
            origin: Some(Arc::new(Origin { environment, sources, reading: Mutex::new(()) })),
        }
    }

    /// The agents as they are now. A task that holds them is not touched by a reload.
    pub fn current(&self) -> Arc<AgentRegistry> {
        self.current.load_full()
    }

    /// Reads all agents again.
    pub fn reload(&self) {
        if let Some(origin) = &self.origin {
            let _reading = origin.reading.lock().unwrap_or_else(PoisonError::into_inner);
            self.current.store(Arc::new(AgentRegistry::load(&origin.environment, &origin.sources)));
        }
    }

    /// Where the agents come from; `None` for a fixed set.
    pub(super) fn environment(&self) -> Option<&Environment> {
        self.origin.as_deref().map(|origin| &origin.environment)
    }
}
