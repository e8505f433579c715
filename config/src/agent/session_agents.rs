//! The session's own agents: they lead or judge, and no task can name them.

use std::sync::{Arc, LazyLock};

use super::{AgentDefinition, AgentReport, AgentSource};

/// The agent that carries out what the user asks for, with the Task tool.
pub const MAIN_AGENT: &str = "main";
/// The agent that compares the answers of a consensus.
pub const JUDGE_AGENT: &str = "consensus-judge";

/// The built-in agent of a task that names none, as in Claude Code.
pub const USUAL_AGENT: &str = "general-purpose";

const FILES: [&str; 2] =
    [include_str!("../../data/agents/session/main.md"), include_str!("../../data/agents/session/judge.md")];

static AGENTS: LazyLock<Vec<Arc<AgentDefinition>>> = LazyLock::new(|| {
    let read = |text| AgentReport::judge(text, AgentSource::BuiltIn, None).definition;
    FILES.into_iter().filter_map(read).map(Arc::new).collect()
});

/// The agent of this name, for tasks of the session itself.
pub fn session_agent(name: &str) -> Option<Arc<AgentDefinition>> {
    AGENTS.iter().find(|agent| agent.name.as_str() == name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolSelection;

    #[test]
    fn the_sessions_agents_are_complete_and_their_files_are_faultless() {
        for file in FILES {
            assert_eq!(AgentReport::of_text(file, None).problems, []);
        }
        let main = session_agent(MAIN_AGENT).expect("the main agent");
        assert_eq!((&main.tools, main.timeout.is_some()), (&ToolSelection::Inherit, true));
        let judge = session_agent(JUDGE_AGENT).expect("the judge");
        assert_eq!(judge.tools, ToolSelection::Listed(Vec::new()));
        assert_eq!(session_agent("general-purpose"), None);
    }
}
