//! The agents that the program carries: the three that Claude Code has too, in our own words.

use std::sync::{Arc, LazyLock};

use super::{AgentDefinition, AgentReport, AgentSource};

const FILES: [&str; 3] = [
    include_str!("../../data/agents/general-purpose.md"),
    include_str!("../../data/agents/explore.md"),
    include_str!("../../data/agents/plan.md"),
];

static AGENTS: LazyLock<Vec<Arc<AgentDefinition>>> = LazyLock::new(|| {
    let read = |text| AgentReport::judge(text, AgentSource::BuiltIn, None).definition;
    FILES.into_iter().filter_map(read).map(Arc::new).collect()
});

/// All built-in agents, read once per process.
pub(super) fn agents() -> &'static [Arc<AgentDefinition>] {
    &AGENTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PermissionMode, ToolSelection};

    #[test]
    fn the_built_in_agents_are_complete_and_their_files_are_faultless() {
        for file in FILES {
            assert_eq!(AgentReport::of_text(file, None).problems, []);
        }
        let names: Vec<&str> = agents().iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["general-purpose", "Explore", "Plan"]);
        assert_eq!(agents()[0].tools, ToolSelection::Inherit);
        for agent in &agents()[1..] {
            let ToolSelection::Listed(tools) = &agent.tools else { panic!("{} has a list", agent.name) };
            let tools: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
            assert_eq!(tools, ["Read", "Glob", "Grep", "LS"]);
            assert_eq!(agent.permission_mode, Some(PermissionMode::Plan));
            assert_eq!((agent.source, &agent.path), (AgentSource::BuiltIn, &None));
        }
    }
}
