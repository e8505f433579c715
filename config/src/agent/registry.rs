//! All agents of a session, and everything that was found where agents are looked for.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use super::{AgentDefinition, AgentSource};
use crate::{AgentName, Environment, Problem};

/// Where agents come from beside the directories around the working directory and the home directory.
#[derive(Clone, Debug, Default)]
pub struct AgentSources {
    /// Agents as Claude Code's `--agents` takes them; they win over all files.
    pub command_line_json: Option<String>,
    /// Whether a tool that exists nowhere makes an agent broken (`strict_agents`).
    pub strict: bool,
}

/// Whether an entry can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// It can.
    Ok,
    /// It can, but its file says something that is not done as it is written.
    Warning,
    /// It cannot; its problems say why.
    Broken,
    /// It could, but another agent has its name and comes first.
    Shadowed,
}

/// One thing found where agents are looked for.
#[derive(Clone, Debug)]
pub struct AgentEntry {
    /// The agent's name; of a file without one, the file's name without its ending.
    pub name: String,
    /// The agent, where its file could be read, also when it is shadowed.
    pub definition: Option<Arc<AgentDefinition>>,
    /// Where it was found.
    pub source: AgentSource,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
    /// Whether it can be used.
    pub status: AgentStatus,
    /// What is wrong or worth knowing, in the order of the file.
    pub problems: Vec<Problem>,
}

/// All agents of a session as they were at one moment.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistry {
    entries: Vec<AgentEntry>,
}

impl AgentRegistry {
    /// Reads all agents around the environment's working directory.
    pub fn load(environment: &Environment, sources: &AgentSources) -> Self {
        let _ = (environment, sources);
        Self::default()
    }

    /// Exactly these agents; of two with one name the later one counts.
    pub fn from_definitions(definitions: impl IntoIterator<Item = AgentDefinition>) -> Self {
        let entry = |definition: AgentDefinition| AgentEntry {
            name: definition.name.to_string(),
            source: definition.source,
            path: definition.path.clone(),
            status: AgentStatus::Ok,
            problems: Vec::new(),
            definition: Some(Arc::new(definition)),
        };
        Self { entries: definitions.into_iter().map(entry).collect() }
    }

    /// Everything that was found, sorted by name and then from the one that counts to the shadowed ones.
    pub fn entries(&self) -> &[AgentEntry] {
        &self.entries
    }

    /// The agents that can be used, sorted by name without regard to case.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<AgentDefinition>> {
        let usable = |entry: &&AgentEntry| matches!(entry.status, AgentStatus::Ok | AgentStatus::Warning);
        self.entries.iter().filter(usable).filter_map(|entry| entry.definition.as_ref())
    }

    /// The agent of this name; letter case counts only where two names differ by nothing else.
    pub fn get(&self, name: &str) -> Option<&Arc<AgentDefinition>> {
        let exact = self.agents().find(|agent| agent.name.as_str() == name);
        exact.or_else(|| self.agents().find(|agent| agent.name.as_str().eq_ignore_ascii_case(name)))
    }

    /// The agent whose name is nearest to one that does not exist, if near enough to be what was meant.
    pub fn nearest(&self, name: &str) -> Option<&AgentName> {
        let _ = name;
        None
    }
}

/// The agents as they are now; shared by everything that looks them up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    current: Arc<ArcSwap<AgentRegistry>>,
    /// What is read again when a file changes; `None` for a fixed set.
    origin: Option<Arc<(Environment, AgentSources)>>,
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
            origin: Some(Arc::new((environment, sources))),
        }
    }

    /// The agents as they are now. A task that holds them is not touched by a reload.
    pub fn current(&self) -> Arc<AgentRegistry> {
        self.current.load_full()
    }

    /// Reads all agents again.
    pub fn reload(&self) {
        if let Some(origin) = &self.origin {
            let (environment, sources) = origin.as_ref();
            self.current.store(Arc::new(AgentRegistry::load(environment, sources)));
        }
    }
}
