//! An agent as a file: what `document`, `frontmatter` and `build` read, written.

use std::time::Duration;

use super::value::Value;
use super::write;
use super::{AgentDefinition, ToolPattern, ToolSelection};
use crate::ModelChoice;

impl AgentDefinition {
    /// The agent's file: only keys that say something, one line each. Read again it is the same agent, but for where it
    /// comes from, a timeout's fractions of a millisecond, white space around its texts, and its MCP servers, whose
    /// definitions may hold secrets.
    pub fn to_markdown(&self) -> String {
        let mut lines = vec![
            write::line("name", &text(self.name.as_str())),
            write::line("description", &text(&self.description)),
        ];
        let mut add = |key: &str, value: Option<Value>| {
            lines.extend(value.map(|value| write::line(key, &value)));
        };
        add(
            "tools",
            match &self.tools {
                ToolSelection::Inherit => None,
                ToolSelection::Listed(patterns) => Some(list(patterns)),
            },
        );
        add("disallowedTools", (!self.disallowed_tools.is_empty()).then(|| list(&self.disallowed_tools)));
        add(
            "model",
            match &self.model {
                ModelChoice::Inherit => None,
                model @ (ModelChoice::Auto | ModelChoice::Tier(_) | ModelChoice::Exact(_)) => {
                    Some(text(&model.to_string()))
                }
            },
        );
        add("provider", self.provider.as_ref().map(|provider| text(provider.as_str())));
        let fallback = || Value::List(self.fallback.iter().map(|model| text(model)).collect());
        add("fallback", (!self.fallback.is_empty()).then(fallback));
        // By way of text, so that 0.3 is not written as 0.30000001192092896.
        add(
            "temperature",
            self.temperature.and_then(|number| number.to_string().parse().ok()).map(Value::Number),
        );
        add("max_tokens", self.max_tokens.map(number));
        add("timeout", self.timeout.map(milliseconds));
        add("effort", self.effort.map(|effort| text(effort.as_str())));
        add("permissionMode", self.permission_mode.map(|mode| text(mode.as_str())));
        add("maxTurns", self.max_turns.map(number));
        add("initialPrompt", self.initial_prompt.as_deref().map(text));
        add("isolation", self.isolation.map(|isolation| text(isolation.as_str())));
        add("omitClaudeMd", self.omit_claude_md.then_some(Value::Bool(true)));
        let frontmatter = lines.join("\n");
        match self.prompt.as_str() {
            "" => format!("---\n{frontmatter}\n---\n"),
            prompt => format!("---\n{frontmatter}\n---\n\n{prompt}\n"),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: u32) -> Value {
    Value::Number(f64::from(number))
}

/// As most people write it, `Read, Grep`, where that means the same.
fn list(patterns: &[ToolPattern]) -> Value {
    let joined = patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if ToolPattern::parse_list(&joined) == patterns {
        return Value::Text(joined);
    }
    Value::List(patterns.iter().map(|pattern| text(&pattern.to_string())).collect())
}

fn milliseconds(timeout: Duration) -> Value {
    match (timeout.as_secs(), timeout.subsec_millis()) {
        (seconds, 0) if seconds > 0 => text(&format!("{seconds}s")),
        (seconds, millis) => text(&format!("{}ms", (seconds * 1000 + u64::from(millis)).max(1))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::{AgentName, AgentReport, AgentSource, Effort, PermissionMode, ProviderName};

    #[test]
    fn an_agents_file_has_only_keys_that_say_something() {
        let name = AgentName::parse("code-reviewer").expect("a name");
        let agent = AgentDefinition {
            tools: ToolSelection::Listed(ToolPattern::parse_list("Read, Bash(git diff:*)")),
            model: ModelChoice::parse("sonnet"),
            temperature: Some(0.3),
            max_tokens: Some(4000),
            timeout: Some(Duration::from_millis(1500)),
            ..AgentDefinition::new(name, "Use when: now", "You review.\n\nWell.")
        };
        assert_eq!(
            agent.to_markdown(),
            concat!(
                "---\nname: code-reviewer\ndescription: \"Use when: now\"\ntools: Read, Bash(git diff:*)\n",
                "model: sonnet\ntemperature: 0.3\nmax_tokens: 4000\ntimeout: 1500ms\n---\n\n",
                "You review.\n\nWell.\n"
            )
        );
    }

    /// Text that survives: trimmed, not empty, no `\n` as two characters, no carriage returns.
    fn any_text() -> impl Strategy<Value = String> {
        "[\\PC\n]{1,40}"
            .prop_map(|text| text.replace("\\n", "n").trim().to_owned())
            .prop_filter("text", |text| !text.is_empty() && !text.contains('\r'))
    }

    fn any_list() -> impl Strategy<Value = Vec<ToolPattern>> {
        prop::collection::btree_set("[A-Z][a-z_]{0,8}(\\([a-z:* ,]{0,8}\\))?", 0..5)
            .prop_map(|names| names.iter().map(|name| ToolPattern::parse(name)).collect())
    }

    fn any_agent() -> impl Strategy<Value = AgentDefinition> {
        let lists =
            (option::of(any_list()), any_list(), prop::collection::vec("[a-z][a-z0-9/.-]{0,9}", 0..3));
        let texts = (any_text(), any_text(), option::of(any_text()), "[a-zA-Z][a-zA-Z0-9 ._-]{0,20}");
        let models = (option::of("[a-z][a-z0-9.-]{0,12}"), option::of("[a-z_]{1,9}"));
        let numbers = (
            option::of(0..=200_u8),
            option::of(1..u32::MAX),
            option::of(1..600_000_000_u64),
            option::of(1..1000_u32),
        );
        let words = (option::of(0..5_usize), option::of(0..4_usize), any::<bool>());
        (lists, texts, models, numbers, words).prop_map(|(lists, texts, models, numbers, words)| {
            let efforts = [Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];
            AgentDefinition {
                tools: lists.0.map_or(ToolSelection::Inherit, ToolSelection::Listed),
                disallowed_tools: lists.1,
                fallback: lists.2,
                model: models.0.map_or(ModelChoice::Inherit, |model| ModelChoice::parse(&model)),
                provider: models.1.map(ProviderName::new),
                temperature: numbers.0.map(|hundredths| f32::from(hundredths) / 100.0),
                max_tokens: numbers.1,
                timeout: numbers.2.map(Duration::from_millis),
                max_turns: numbers.3,
                effort: words.0.map(|index| efforts[index]),
                permission_mode: words.1.map(|index| PermissionMode::ALL[index].0),
                omit_claude_md: words.2,
                isolation: words.2.then_some(crate::Isolation::Worktree),
                initial_prompt: texts.2,
                source: AgentSource::Project,
                ..AgentDefinition::new(AgentName::parse(&texts.3).expect("a name"), texts.0, texts.1)
            }
        })
    }

    proptest! {
        #[test]
        fn an_agent_that_is_written_reads_as_itself(agent in any_agent()) {
            let file = agent.to_markdown();
            let report = AgentReport::of_text(&file, None);
            prop_assert_eq!(report.definition, Some(agent), "{}", file);
            prop_assert_eq!(report.syntax, Some(crate::Syntax::Yaml), "{}", file);
        }
    }
}
