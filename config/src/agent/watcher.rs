//! Reads the agents again when one of their files changes.
//!
//! One thread owns the system's watches. Every round it waits for a change, lets others arrive for a moment, sets the
//! watches anew (directories may have come or gone) and reads the agents. The order matters: what changes after the
//! watches are set begins another round, so nothing is missed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Thread};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::RegistryHandle;
use super::discovery::Discovery;
use super::places::AgentPlace;

/// From the first change to the reading: editors and git change several files at once.
const SETTLING: Duration = Duration::from_millis(100);

/// Watches the directories of a registry until it is dropped.
#[derive(Debug)]
pub struct RegistryWatcher {
    /// Told to the thread: no more reading.
    stopped: Arc<AtomicBool>,
    /// Wakes the thread when it waits for a change.
    wake: SyncSender<()>,
    /// Wakes the thread when it lets changes settle.
    thread: Thread,
}

impl RegistryWatcher {
    /// Begins to watch; `None` when the registry is fixed or the system cannot watch.
    pub fn start(registry: &RegistryHandle) -> Option<Self> {
        let places = AgentPlace::all(registry.environment()?);
        // One signal is enough for any number of changes.
        let (wake, changes) = sync_channel(1);
        let watches = match Watches::new(places, wake.clone()) {
            Ok(watches) => watches,
            Err(error) => {
                tracing::warn!(%error, "agent files cannot be watched: changes need a restart");
                return None;
            }
        };
        // A file may have changed after the registry was read and before it was watched.
        let _ = wake.try_send(());
        let stopped = Arc::new(AtomicBool::new(false));
        let round = Round { registry: registry.clone(), watches, changes, stopped: Arc::clone(&stopped) };
        match thread::Builder::new().name("codex-task-agents".to_owned()).spawn(move || round.run()) {
            Ok(thread) => Some(Self { stopped, wake, thread: thread.thread().clone() }),
            Err(error) => {
                tracing::warn!(%error, "agent files cannot be watched: changes need a restart");
                None
            }
        }
    }
}

impl Drop for RegistryWatcher {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // A full channel wakes the thread as well.
        let _ = self.wake.try_send(());
        self.thread.unpark();
    }
}

/// What the thread owns.
struct Round {
    registry: RegistryHandle,
    watches: Watches,
    changes: Receiver<()>,
    stopped: Arc<AtomicBool>,
}

impl Round {
    fn run(mut self) {
        while self.changes.recv().is_ok() {
            if !self.is_stopped() {
                thread::park_timeout(SETTLING);
            }
            if self.is_stopped() {
                return;
            }
            // What has arrived by now is covered by the reading that follows.
            while self.changes.try_recv().is_ok() {}
            if let Err(error) = self.watches.renew() {
                tracing::warn!(%error, "agent files cannot be watched any more: changes need a restart");
            }
            self.registry.reload();
            tracing::debug!(agents = self.registry.current().agents().count(), "agent files were read again");
        }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// The system's watches on the places of a registry.
struct Watches {
    places: Vec<AgentPlace>,
    system: RecommendedWatcher,
    watched: Vec<PathBuf>,
}

impl Watches {
    fn new(places: Vec<AgentPlace>, wake: SyncSender<()>) -> notify::Result<Self> {
        let concerned = places.clone();
        let on_event = move |event: notify::Result<Event>| {
            if is_change(&event, &concerned) {
                // Full: the thread knows already.
                let _ = wake.try_send(());
            }
        };
        let system = notify::recommended_watcher(on_event)?;
        let mut watches = Self { places, system, watched: Vec::new() };
        watches.renew()?;
        Ok(watches)
    }

    /// Sets all watches anew: a directory that was replaced needs a new one under the same path.
    ///
    /// # Errors
    /// The first refusal, when the system refused every watch, for instance because its number of them is used up.
    fn renew(&mut self) -> notify::Result<()> {
        for path in self.watched.drain(..) {
            // A directory that is gone has lost its watch with it.
            let _ = self.system.unwatch(&path);
        }
        let mut refusal = None;
        for path in self.places.iter().flat_map(directories) {
            match self.system.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => self.watched.push(path),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a directory of agents cannot be watched");
                    refusal.get_or_insert(error);
                }
            }
        }
        match refusal {
            Some(error) if self.watched.is_empty() => Err(error),
            _ => Ok(()),
        }
    }
}

/// The directories to watch at one place: those that are there and can hold agents, and the one in which the next of
/// them would appear. Each is watched alone, so that a link within never widens what is watched.
fn directories(place: &AgentPlace) -> Vec<PathBuf> {
    let mut directories = Discovery::below(&place.agents(), &place.boundary).directories;
    let is_there = |path: &Path| path.is_dir();
    if is_there(&place.claude()) {
        directories.push(place.claude());
    } else if is_there(&place.base) {
        directories.push(place.base.clone());
    }
    directories
}

/// Whether something happened that can change the agents. Reading them is an event too.
fn is_change(event: &notify::Result<Event>, places: &[AgentPlace]) -> bool {
    let Ok(event) = event else { return true };
    let written = AccessKind::Close(AccessMode::Write);
    let is_reading = matches!(event.kind, EventKind::Access(kind) if kind != written);
    let concerns = |path: &PathBuf| {
        places
            .iter()
            .any(|place| path.starts_with(place.agents()) || *path == place.claude() || *path == place.base)
    };
    !is_reading && (event.need_rescan() || event.paths.iter().any(concerns))
}

#[cfg(test)]
#[path = "watcher_tests.rs"]
mod tests;
