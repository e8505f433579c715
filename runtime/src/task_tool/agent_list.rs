//! The agents as the Task tool's texts list them: one line each in Claude Code's form, within a bound however many
//! there are.

use codex_task_config::{AgentDefinition, AgentSource, ToolPattern, ToolSelection};

/// Shortest description that is still worth its line, in bytes.
const DESCRIPTION_BYTES_MIN: usize = 40;
const ELLIPSIS: &str = "…";
/// Between two names of a row.
const SEPARATOR: &str = ", ";
/// Where a description stops to say what the agent is for.
const EXAMPLES: [&str; 3] = ["<example>", "Examples:", "Example:"];

/// `- NAME: DESCRIPTION (Tools: A, B)` for each agent. When that is too long, descriptions lose their examples and are
/// cut to what fits; then the tools are left out; then only names remain, and at last a number.
pub(super) fn lines(agents: &[&AgentDefinition], bytes_max: usize) -> String {
    let line = |agent: &&AgentDefinition| format!("- {}: {}{}", agent.name, one_line(agent), tools(agent));
    let full = agents.iter().map(line).collect::<Vec<_>>().join("\n");
    if full.len() <= bytes_max {
        return full;
    }
    cut_alike(agents, bytes_max, tools)
        .or_else(|| cut_alike(agents, bytes_max, |_| String::new()))
        .unwrap_or_else(|| format!("- {}", names(agents, bytes_max.saturating_sub(2))))
}

/// The lines with the longest descriptions that fit, if they are long enough to say something.
fn cut_alike(
    agents: &[&AgentDefinition],
    bytes_max: usize,
    tools: impl Fn(&AgentDefinition) -> String,
) -> Option<String> {
    let described: Vec<String> =
        agents.iter().map(|agent| without_examples(&one_line(agent)).to_owned()).collect();
    let tools: Vec<String> = agents.iter().map(|agent| tools(agent)).collect();
    let rest: usize = agents
        .iter()
        .zip(&tools)
        .map(|(agent, tools)| "- : \n".len() + agent.name.as_str().len() + tools.len())
        .sum();
    let length = |width: usize| rest + described.iter().map(|text| text.len().min(width)).sum::<usize>();
    // The longest width that fits is found by halving: `fits` fits or is not worth it, `too_long` does not.
    let (mut fits, mut too_long) = (DESCRIPTION_BYTES_MIN - 1, bytes_max + 1);
    while too_long - fits > 1 {
        let width = fits.midpoint(too_long);
        if length(width) <= bytes_max { fits = width } else { too_long = width }
    }
    let line = |((agent, text), tools): ((&&AgentDefinition, &String), &String)| {
        format!("- {}: {}{tools}", agent.name, cut(text, fits))
    };
    let lines = || agents.iter().zip(&described).zip(&tools).map(line).collect::<Vec<_>>().join("\n");
    (fits >= DESCRIPTION_BYTES_MIN).then(lines)
}

/// Names in a row, as many as fit; the project's and the user's own before the built-in ones.
pub(super) fn names(agents: &[&AgentDefinition], bytes_max: usize) -> String {
    let is_built_in = |agent: &&&AgentDefinition| agent.source == AgentSource::BuiltIn;
    let own = agents.iter().filter(|agent| !is_built_in(agent));
    let ordered: Vec<&str> =
        own.chain(agents.iter().filter(is_built_in)).map(|agent| agent.name.as_str()).collect();
    let all = ordered.join(SEPARATOR);
    if all.len() <= bytes_max {
        return all;
    }
    // Where the list ends after each name.
    let ends = ordered.iter().scan(0, |end, name| {
        *end += name.len() + SEPARATOR.len();
        Some(*end - SEPARATOR.len())
    });
    let ends: Vec<usize> = std::iter::once(0).chain(ends).collect();
    let text = |(shown, end): (usize, &usize)| {
        format!("{} and {} more", all.get(..*end).unwrap_or_default(), ordered.len() - shown)
    };
    let fits = |(shown, end): &(usize, &usize)| {
        **end + format!(" and {} more", ordered.len() - shown).len() <= bytes_max
    };
    let longest = ends.iter().enumerate().rev().skip(1).find(fits);
    longest.or(ends.first().map(|end| (0, end))).map(text).unwrap_or_default()
}

/// ` (Tools: A, B)`
fn tools(agent: &AgentDefinition) -> String {
    let joined = |patterns: &mut dyn Iterator<Item = &ToolPattern>| {
        patterns.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let denied = &agent.disallowed_tools;
    let tools = match &agent.tools {
        ToolSelection::Inherit if denied.is_empty() => "All tools".to_owned(),
        ToolSelection::Inherit => format!("All tools except {}", joined(&mut denied.iter())),
        ToolSelection::Listed(patterns) => {
            joined(&mut patterns.iter().filter(|pattern| !denied.contains(pattern)))
        }
    };
    format!(" (Tools: {})", if tools.is_empty() { "None" } else { &tools })
}

fn one_line(agent: &AgentDefinition) -> String {
    agent.description.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_examples(description: &str) -> &str {
    let end = EXAMPLES.iter().filter_map(|mark| description.find(mark)).filter(|end| *end > 0).min();
    end.and_then(|end| description.get(..end)).unwrap_or(description).trim_end()
}

/// The beginning of a text in at most so many bytes.
fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub(ELLIPSIS.len()));
    format!("{}{ELLIPSIS}", text.get(..end).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use codex_task_config::AgentName;
    use proptest::prelude::*;

    use super::*;

    fn agent(name: &str, description: &str) -> AgentDefinition {
        AgentDefinition::new(AgentName::parse(name).expect("a name"), description, "p")
    }

    fn line(agent: &AgentDefinition) -> String {
        lines(&[agent], 10_000)
    }

    #[test]
    fn a_line_says_which_tools_an_agent_has() {
        let mut reviewer = agent("reviewer", "Reviews\n  code");
        assert_eq!(line(&reviewer), "- reviewer: Reviews code (Tools: All tools)");
        reviewer.disallowed_tools = ToolPattern::parse_list("Bash, Write");
        assert_eq!(line(&reviewer), "- reviewer: Reviews code (Tools: All tools except Bash, Write)");
        reviewer.tools = ToolSelection::Listed(ToolPattern::parse_list("Read, Bash, Bash(git:*)"));
        assert_eq!(line(&reviewer), "- reviewer: Reviews code (Tools: Read, Bash(git:*))");
        reviewer.tools = ToolSelection::Listed(Vec::new());
        assert_eq!(line(&reviewer), "- reviewer: Reviews code (Tools: None)");
    }

    #[test]
    fn too_long_descriptions_lose_their_examples_and_are_cut_alike() {
        let long = format!("Finds bugs. <example>{}</example>", "x".repeat(500));
        let (a, b) = (agent("a", &long), agent("b", &"y".repeat(400)));
        assert!(lines(&[&a, &b], 2_000).contains("<example>"));
        let cut = lines(&[&a, &b], 300);
        assert!(cut.starts_with("- a: Finds bugs. (Tools: All tools)\n- b: yyy"), "{cut}");
        assert!(cut.ends_with("y… (Tools: All tools)") && cut.len() <= 300 && cut.len() > 290, "{cut}");
        assert!(lines(&[&a, &b], 90).ends_with("y…"), "tools go before descriptions do");
    }

    #[test]
    fn very_many_agents_are_named_only_and_the_users_own_come_first() {
        let mut agents: Vec<_> = (0..500).map(|n| agent(&format!("agent-{n}"), "Does things")).collect();
        agents[0].source = AgentSource::BuiltIn;
        let all: Vec<&AgentDefinition> = agents.iter().collect();
        let listed = lines(&all, 1_000);
        assert!(listed.starts_with("- agent-1, agent-2, "), "{listed}");
        assert!(listed.len() <= 1_000 && listed.contains(" more"), "{listed}");
        assert_eq!(names(&all[..3], 100), "agent-1, agent-2, agent-0");
        assert_eq!(names(&all, 30), "agent-1, agent-2 and 498 more");
        assert_eq!(names(&[], 10), "");
    }

    proptest! {
        #[test]
        fn the_bound_holds_for_any_descriptions(
            descriptions in prop::collection::vec(any::<String>(), 1..40),
            bytes_max in 200_usize..4_000,
        ) {
            let agents: Vec<_> =
                descriptions.iter().zip(0..).map(|(text, n)| agent(&format!("a{n}"), text)).collect();
            let all: Vec<&AgentDefinition> = agents.iter().collect();
            prop_assert!(lines(&all, bytes_max).len() <= bytes_max);
            prop_assert!(names(&all, bytes_max).len() <= bytes_max);
        }
    }
}
