//! What the Task tool offers as the agents are now; needs no running runtime.

use std::sync::Arc;

use codex_task_config::{AgentDefinition, AgentRegistry, Limits, RegistryHandle};
use codex_task_tools::Rights;

use super::TaskToolSpec;
use super::agent_list;
use super::spec::{AGENT, TASK, TASK_OUTPUT, TASK_STOP};

/// Bytes of the agents' lines in the description: every request of the caller's model carries them.
const LINES_BYTES_MAX: usize = 24 * 1024;
/// Bytes of the instructions that Codex shows of a server whose tools the model has to search for.
const ADVERT_BYTES_MAX: usize = 250;
/// The beginning of the instructions.
const ADVERT: &str = "Task(subagent_type, prompt, description): runs a subagent from .claude/agents in its own context \
    and returns its report. Call several in parallel. Types: ";
/// What follows, for clients that show all of it.
const ADVICE: &str = "\n\nDelegate reviews, research, test runs and other work of many steps to subagents. They see \
    nothing of this conversation, so the prompt must say everything; they work with the tools, model and permissions \
    of their own files.";

/// What the Task tool offers: agents that may be started, limits. Cheap to clone; follows changes of agent files.
#[derive(Clone, Debug)]
pub struct ToolCatalog {
    agents: RegistryHandle,
    rights: Rights,
    limits: Limits,
}

impl ToolCatalog {
    pub(crate) fn new(agents: RegistryHandle, rights: Rights, limits: Limits) -> Self {
        Self { agents, rights, limits }
    }

    /// `Task`, `TaskOutput` and `TaskStop`.
    pub fn tools(&self) -> [TaskToolSpec; 3] {
        [self.task(), TaskToolSpec::task_output(), TaskToolSpec::task_stop()]
    }

    /// Whether a call of this name is one of ours; `Agent` is another name of `Task`.
    pub fn is_tool(&self, name: &str) -> bool {
        matches!(name, TASK | AGENT | TASK_OUTPUT | TASK_STOP)
    }

    /// `Task`, with the agents as they are now.
    pub fn task(&self) -> TaskToolSpec {
        let registry = self.agents.current();
        TaskToolSpec::task(
            &agent_list::lines(&self.offered(&registry), LINES_BYTES_MAX),
            self.limits.max_concurrent,
        )
    }

    /// The agents as they are now.
    pub(super) fn registry(&self) -> Arc<AgentRegistry> {
        self.agents.current()
    }

    /// A text about the tool for clients that show its server before its tools: what it is, its arguments and the
    /// names of agents stand at the beginning.
    pub fn instructions(&self) -> String {
        let registry = self.agents.current();
        let room = ADVERT_BYTES_MAX.saturating_sub(ADVERT.len() + 1);
        let names = agent_list::names(&self.offered(&registry), room);
        format!("{ADVERT}{names}.{ADVICE}")
    }

    /// Calls `listener` after each change of the agents, from the thread that has seen it.
    pub fn on_change(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.agents.on_reload(listener);
    }

    /// The agents that the rules of the session allow to start.
    fn offered<'a>(&self, registry: &'a AgentRegistry) -> Vec<&'a AgentDefinition> {
        let agents = registry.agents().map(AsRef::as_ref);
        agents.filter(|agent| self.rights.agent_denied_by(agent.name.as_str()).is_none()).collect()
    }
}
