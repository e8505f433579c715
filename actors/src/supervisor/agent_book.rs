//! What is the same for all tasks of an agent: found out once, for as long as its file stays as it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use codex_task_config::{AgentDefinition, AgentName, ToolStatus, tool_status};
use codex_task_providers::ToolSpec;
use codex_task_tools::{ToolDefinition, ToolSet};
use jiff::civil::Date;

use super::prompt;
use super::server_tools::{ServerTools, to_spec};
use super::services::SessionFacts;
use crate::subagent::BoundRoute;

/// Tools of ours with which agents read and search the web.
const OF_THE_WEB: [&str; 2] = ["WebFetch", "WebSearch"];

/// One page for each agent that had a task.
#[derive(Default)]
pub(super) struct AgentBook {
    pages: HashMap<AgentName, AgentPage>,
}

/// See the module.
pub(super) struct AgentPage {
    definition: Arc<AgentDefinition>,
    /// Its tools, where nothing narrows them but its file.
    pub(super) tools: Option<Arc<KnownTools>>,
    /// Where its calls may go, where nothing but its file and the settings decides.
    pub(super) routes: Option<Arc<[BoundRoute]>>,
    /// The cached part of its prompt, for the tools that it had last.
    prefix: Option<Prefix>,
    /// What it is told before its tasks, for the day on which it had the last one.
    reminder: Option<(Date, Arc<str>)>,
}

/// The tools of an agent before it starts, in the session's own place.
pub(super) struct KnownTools {
    pub(super) tools: ToolSet,
    /// What is to be said of its list.
    pub(super) notes: Vec<String>,
    /// Servers that will give more.
    pub(super) servers: Option<Arc<ServerTools>>,
}

/// The part of an agent's prompt that all of its tasks share.
#[derive(Clone)]
pub(super) struct Prefix {
    definitions: Arc<[ToolDefinition]>,
    pub(super) system: Arc<str>,
    pub(super) tools: Arc<[ToolSpec]>,
    pub(super) cache_key: Arc<str>,
}

impl AgentBook {
    /// The page of an agent; an empty one when its file has changed.
    pub(super) fn page(&mut self, agent: &Arc<AgentDefinition>) -> &mut AgentPage {
        match self.pages.entry(agent.name.clone()) {
            Entry::Occupied(page) => {
                let page = page.into_mut();
                if !Arc::ptr_eq(&page.definition, agent) {
                    *page = AgentPage::new(agent);
                }
                page
            }
            Entry::Vacant(place) => place.insert(AgentPage::new(agent)),
        }
    }
}

impl AgentPage {
    fn new(agent: &Arc<AgentDefinition>) -> Self {
        Self { definition: Arc::clone(agent), tools: None, routes: None, prefix: None, reminder: None }
    }

    /// What the agent is told on that day before a task in the session's own place.
    pub(super) fn reminder(&mut self, facts: &SessionFacts, today: Date) -> Arc<str> {
        if let Some((day, reminder)) = &self.reminder
            && *day == today
        {
            return Arc::clone(reminder);
        }
        let reminder = prompt::reminder(facts, today, &self.definition, /*output*/ None);
        self.reminder = Some((today, Arc::clone(&reminder)));
        reminder
    }

    /// What the agent's prompt begins with when it has these tools.
    pub(super) fn prefix(&mut self, is_of_session: bool, tools: &ToolSet) -> Prefix {
        let definitions = tools.definitions();
        if let Some(prefix) = self.prefix.as_ref().filter(|prefix| prefix.is_for(definitions)) {
            return prefix.clone();
        }
        let prefix = Prefix::new(&self.definition.prompt, is_of_session, definitions);
        self.prefix = Some(prefix.clone());
        prefix
    }
}

impl KnownTools {
    /// Whether a tool may want the web read or searched. Of a host's own tools nobody knows.
    pub(super) fn may_reach_web(&self) -> bool {
        let may = |tool: &ToolDefinition| match tool_status(tool.name.as_str()) {
            ToolStatus::Provided => OF_THE_WEB.contains(&tool.name.as_str()),
            ToolStatus::Mcp => false,
            ToolStatus::KnownElsewhere | ToolStatus::Unknown { .. } => true,
        };
        // What its servers come with is resolved anew then, the web's tools among it.
        self.servers.is_some() || self.tools.definitions().iter().any(may)
    }
}

impl Prefix {
    fn new(agent_prompt: &str, is_of_session: bool, definitions: &Arc<[ToolDefinition]>) -> Self {
        let system = if is_of_session {
            prompt::system_prompt_of_session(agent_prompt)
        } else {
            prompt::system_prompt(agent_prompt)
        };
        let tools: Arc<[ToolSpec]> = definitions.iter().map(to_spec).collect();
        let cache_key = prompt::cache_key(&system, &tools);
        Self { definitions: Arc::clone(definitions), system, tools, cache_key }
    }

    /// Whether these tools are offered in the same words. Those of one toolbox share them; the Task tool's change with the
    /// agents.
    fn is_for(&self, definitions: &Arc<[ToolDefinition]>) -> bool {
        let is_same = |(a, b): (&ToolDefinition, &ToolDefinition)| {
            let is_said_alike = Arc::ptr_eq(&a.description, &b.description) || a.description == b.description;
            a.name == b.name && is_said_alike
        };
        let own = &self.definitions;
        Arc::ptr_eq(own, definitions)
            || (own.len() == definitions.len() && own.iter().zip(definitions.iter()).all(is_same))
    }
}
