//! The agents as they are now, for everything that looks them up.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::{AgentRegistry, AgentSources};
use crate::Environment;

/// The agents as they are now; shared by everything that looks them up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    current: Arc<ArcSwap<AgentRegistry>>,
    /// What is read again when a file changes; `None` for a fixed set.
    origin: Option<Arc<Origin>>,
    listeners: Arc<Listeners>,
}

/// Who wants to know that the agents were read again.
#[derive(Default)]
struct Listeners(Mutex<Vec<Listener>>);

type Listener = Box<dyn Fn(&Arc<AgentRegistry>) + Send + Sync>;

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
        Self { current: Arc::new(ArcSwap::from_pointee(registry)), origin: None, listeners: Arc::default() }
    }

    /// Reads all agents; [`RegistryHandle::reload`] reads them again.
    pub fn load(environment: Environment, sources: AgentSources) -> Self {
        let registry = AgentRegistry::load(&environment, &sources);
        Self {
            current: Arc::new(ArcSwap::from_pointee(registry)),
            origin: Some(Arc::new(Origin { environment, sources, reading: Mutex::new(()) })),
            listeners: Arc::default(),
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
            let read = Arc::new(AgentRegistry::load(&origin.environment, &origin.sources));
            self.current.store(Arc::clone(&read));
            self.listeners.tell(&read);
        }
    }

    /// Calls `listener` whenever the agents have been read again, on the thread that has read them. It must be quick
    /// and must not have them read again itself.
    pub fn on_reload(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.on_read(move |_| listener());
    }

    /// As [`RegistryHandle::on_reload`], with the agents that were read.
    pub fn on_read(&self, listener: impl Fn(&Arc<AgentRegistry>) + Send + Sync + 'static) {
        self.listeners.lock().push(Box::new(listener));
    }

    /// Where the agents come from; `None` for a fixed set.
    pub(super) fn environment(&self) -> Option<&Environment> {
        self.origin.as_deref().map(|origin| &origin.environment)
    }
}

impl Listeners {
    fn tell(&self, read: &Arc<AgentRegistry>) {
        for listener in self.lock().iter() {
            listener(read);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listeners").field(&self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn listeners_hear_of_every_reading_but_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::new(folder.path(), std::iter::empty::<(String, String)>());
        let handle = RegistryHandle::load(environment, AgentSources::default());
        let readings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&readings);
        handle.on_reload(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        handle.clone().reload();
        handle.reload();
        assert_eq!(readings.load(Ordering::SeqCst), 2);
    }
}
