//! Agents on the command line: Claude Code's `--agents '{"name": {"description": "...", "prompt": "...", ...}}'`.

use super::build::{Built, Parts, build};
use super::field::Field;
use super::value::Value;
use super::{AgentEntry, AgentReport, AgentSource};
use crate::{Problem, Severity};

/// Bytes of JSON, at most.
const JSON_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What an entry without an agent's name is called.
const NAMELESS: &str = "--agents";

/// Reads the agents; JSON that is none is one broken entry.
pub(super) fn read(json: &str, strict: bool) -> Vec<AgentEntry> {
    let entry = |report| AgentEntry::from_report(report, AgentSource::CommandLine, None, strict);
    match pairs(json) {
        // Of two with one name JSON itself keeps none; the value refuses both.
        Ok(pairs) => pairs.into_iter().map(|(name, value)| entry(agent(name, value))).collect(),
        Err(problem) => vec![entry(broken(NAMELESS.to_owned(), *problem))],
    }
}

fn pairs(json: &str) -> Result<Vec<(String, Value)>, Box<Problem>> {
    if json.len() > JSON_BYTES_MAX {
        let message = format!("larger than {} KiB", JSON_BYTES_MAX / 1024);
        return Err(Box::new(Problem::error(message)));
    }
    let help = r#"write {"name": {"description": "When to use it", "prompt": "What it is to do"}}"#;
    match serde_json::from_str::<Value>(json.trim_start_matches('\u{feff}')) {
        Ok(Value::Map(pairs)) => Ok(pairs),
        Ok(other) => {
            let problem = Problem::error(format!("must be a JSON object, not {}", other.kind()));
            Err(Box::new(problem.with_help(help)))
        }
        Err(error) => {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let problem = Problem::error(format!("no JSON: {message}")).with_help(help);
            Err(Box::new(problem.at(error.line().max(1), error.column().max(1), 1)))
        }
    }
}

fn agent(name: String, value: Value) -> AgentReport {
    let Value::Map(pairs) = value else {
        let message = format!("agent '{name}' must be an object, not {}", value.kind());
        return broken(name, Problem::error(message));
    };
    let field = |(key, value)| Field { key, value, place: None, leniency: None };
    let (mut prompt, mut fields) = (None, vec![field(("name".to_owned(), Value::Text(name.clone())))]);
    for (key, value) in pairs {
        match key.as_str() {
            "prompt" => prompt = Some(value),
            // The name is the object's key.
            "name" => {}
            _ => fields.push(field((key, value))),
        }
    }
    let text = prompt.as_ref().and_then(Value::text).filter(|text| !text.trim().is_empty());
    let source = AgentSource::CommandLine;
    let parts = Parts { fields: &fields, lines: &[], prompt: text.unwrap_or_default(), source, path: None };
    let Built { mut definition, required, unknown_tools, mut problems } = build(&parts);
    if text.is_none() {
        let message = match &prompt {
            None => "no prompt".to_owned(),
            Some(Value::Text(_) | Value::Null) => "the prompt is empty".to_owned(),
            Some(other) => format!("the prompt must be a text, not {}", other.kind()),
        };
        problems.push(Problem::error(message));
        definition = None;
    }
    problems.sort_by_key(|problem| problem.severity != Severity::Error);
    AgentReport { required: Some(required), unknown_tools, definition, ..with_problems(name, problems) }
}

fn broken(name: String, problem: Problem) -> AgentReport {
    with_problems(name, vec![problem])
}

fn with_problems(name: String, problems: Vec<Problem>) -> AgentReport {
    AgentReport { name, problems, ..AgentReport::empty() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_gives_entries_that_say_what_they_are(json in "\\PC{0,80}|[{}\\[\\]\",:a-z0-9 ]{0,60}") {
            for entry in read(&json, /*strict*/ false) {
                prop_assert!(entry.is_usable() || !entry.problems.is_empty());
            }
        }
    }
}
