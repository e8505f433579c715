//! All agents of a session, and everything that was found where agents are looked for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use super::discovery::Discovery;
use super::places::AgentPlace;
use super::{AgentDefinition, AgentEntry, AgentReport, AgentSource, AgentStatus, built_in, command_line};
use crate::nearest::nearest_by;
use crate::{AgentName, Environment, Problem};

/// Files that are worth a thread of their own.
const FILES_PER_THREAD: usize = 64;
/// Threads that read files, at most.
const THREADS_MAX: usize = 8;
/// Least similarity at which a name is offered as what was meant.
const SIMILARITY_MIN: f64 = 0.8;

/// Where agents come from beside the directories around the working directory and the home directory.
#[derive(Clone, Debug, Default)]
pub struct AgentSources {
    /// Agents as Claude Code's `--agents` takes them; they win over all files.
    pub command_line_json: Option<String>,
    /// Whether an agent that could be used without the part that is wrong is broken instead, e.g. one that names a tool
    /// that exists nowhere (`strict_agents`).
    pub strict: bool,
}

/// All agents of a session as they were at one moment.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistry {
    entries: Vec<AgentEntry>,
    /// Those that can be used, sorted by name without regard to case.
    agents: Vec<Arc<AgentDefinition>>,
    /// Places in `agents`, by exact name.
    by_name: HashMap<String, usize>,
    /// Places in `agents`, by name in lower case; of several the first.
    by_folded_name: HashMap<String, usize>,
}

impl AgentRegistry {
    /// Reads all agents around the environment's working directory.
    pub fn load(environment: &Environment, sources: &AgentSources) -> Self {
        let mut entries = match &sources.command_line_json {
            Some(json) => command_line::read(json, sources.strict),
            None => Vec::new(),
        };
        for place in AgentPlace::all(environment) {
            let Discovery { mut files, broken, .. } = Discovery::below(&place.agents(), &place.boundary);
            // Of two files with one name the later one counts, as in Claude Code.
            files.reverse();
            entries.extend(read_all(&files, place.source, sources.strict));
            let broken = broken.into_iter();
            entries.extend(broken.map(|(path, problem)| AgentEntry::broken(path, place.source, problem)));
        }
        entries.extend(built_in::agents().iter().cloned().map(AgentEntry::of));
        Self::from_strongest_first(entries)
    }

    /// Exactly these agents; of two with one name the later one counts.
    pub fn from_definitions(definitions: impl IntoIterator<Item = AgentDefinition>) -> Self {
        let entries = definitions.into_iter().map(|definition| AgentEntry::of(Arc::new(definition)));
        let mut entries: Vec<AgentEntry> = entries.collect();
        entries.reverse();
        Self::from_strongest_first(entries)
    }

    /// Everything that was found, sorted by name and then from the one that counts to the shadowed ones.
    pub fn entries(&self) -> &[AgentEntry] {
        &self.entries
    }

    /// The agents that can be used, sorted by name without regard to case.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<AgentDefinition>> {
        self.agents.iter()
    }

    /// The agent of this name; letter case counts only where two names differ by nothing else.
    pub fn get(&self, name: &str) -> Option<&Arc<AgentDefinition>> {
        let exact = self.by_name.get(name);
        let place = exact.or_else(|| self.by_folded_name.get(&name.to_lowercase()))?;
        self.agents.get(*place)
    }

    /// The agent whose name is nearest to one that does not exist, if near enough to be what was meant.
    pub fn nearest(&self, name: &str) -> Option<&AgentName> {
        let names = self.agents.iter().map(|agent| &agent.name);
        nearest_by(name, names, |name| name.as_str().to_lowercase(), SIMILARITY_MIN)
    }

    /// Finds out who shadows whom, and sorts.
    fn from_strongest_first(mut entries: Vec<AgentEntry>) -> Self {
        let mut winners: HashMap<String, Arc<AgentDefinition>> = HashMap::new();
        for entry in &mut entries {
            let Some(definition) = &entry.definition else { continue };
            match winners.get(&entry.name) {
                Some(winner) => entry.shadow(&Arc::clone(winner)),
                None => {
                    winners.insert(entry.name.clone(), Arc::clone(definition));
                }
            }
        }
        let rank = |status: AgentStatus| match status {
            AgentStatus::Ok | AgentStatus::Warning => 0_u8,
            AgentStatus::Shadowed => 1,
            AgentStatus::Broken => 2,
        };
        entries
            .sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.name.clone(), rank(entry.status)));
        let usable = entries.iter().filter(|entry| entry.is_usable());
        let agents: Vec<_> = usable.filter_map(|entry| entry.definition.clone()).collect();
        let by_name = agents.iter().zip(0..).map(|(agent, place)| (agent.name.to_string(), place)).collect();
        let mut by_folded_name = HashMap::new();
        for (agent, place) in agents.iter().zip(0..) {
            by_folded_name.entry(agent.name.as_str().to_lowercase()).or_insert(place);
        }
        Self { entries, agents, by_name, by_folded_name }
    }
}

/// Reads files, many of them on several threads; the order stays.
fn read_all(files: &[PathBuf], source: AgentSource, strict: bool) -> Vec<AgentEntry> {
    let read = |path: &PathBuf| {
        AgentEntry::from_report(AgentReport::read_as(path, source), source, Some(path), strict)
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = (files.len() / FILES_PER_THREAD).min(processors).min(THREADS_MAX);
    if threads < 2 {
        return files.iter().map(read).collect();
    }
    thread::scope(|scope| {
        let mut shares = files.chunks(files.len().div_ceil(threads));
        // This thread takes its share too.
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|share| (share, scope.spawn(move || share.iter().map(read).collect::<Vec<_>>())))
            .collect();
        let mut entries: Vec<AgentEntry> = own.iter().map(read).collect();
        for (share, thread) in others {
            // A panic must not make agents vanish without a word.
            let lost = |path: &PathBuf| {
                AgentEntry::broken(path.clone(), source, Problem::error("could not be read").in_file(path))
            };
            match thread.join() {
                Ok(read) => entries.extend(read),
                Err(_) => entries.extend(share.iter().map(lost)),
            }
        }
        entries
    })
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
