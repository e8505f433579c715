//! What is wrong with an agent's tool lists: names that exist nowhere, tools that are not provided, lists that come to
//! nothing.

use super::field::Field;
use super::{ToolPattern, ToolSelection};
use crate::{Position, Problem, ToolStatus, tool_status};

/// Number of the first line of a frontmatter.
const FIRST_LINE: usize = 2;

/// A tool that exists nowhere, as a file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTool {
    /// The name in the file.
    pub name: String,
    /// The nearest known name, where one is near enough to be what was meant.
    pub did_you_mean: Option<&'static str>,
}

/// What the check of one agent's lists collects.
pub(super) struct ToolCheck<'a> {
    /// The lines of the frontmatter, to find a name's place.
    lines: &'a [&'a str],
    pub(super) problems: Vec<Problem>,
    pub(super) unknown: Vec<UnknownTool>,
}

impl<'a> ToolCheck<'a> {
    pub(super) fn new(lines: &'a [&'a str]) -> Self {
        Self { lines, problems: Vec::new(), unknown: Vec::new() }
    }

    /// Checks `tools`.
    pub(super) fn tools(&mut self, selection: &ToolSelection, field: &Field) {
        let ToolSelection::Listed(patterns) = selection else { return };
        let mut not_provided = Vec::new();
        let mut usable = 0;
        for pattern in patterns {
            match tool_status(pattern.name.as_str()) {
                ToolStatus::Provided | ToolStatus::Mcp => usable += 1,
                // Whether an agent may start others is decided by how deep it stands, not here.
                ToolStatus::KnownElsewhere if matches!(pattern.name.as_str(), "Task" | "Agent") => {
                    usable += 1;
                }
                ToolStatus::KnownElsewhere => not_provided.push(pattern.name.to_string()),
                ToolStatus::Unknown { did_you_mean } => {
                    self.unknown(pattern, did_you_mean, "invalid tool specified", field);
                }
            }
        }
        let unknown: Vec<&str> = self.unknown.iter().map(|tool| tool.name.as_str()).collect();
        if usable > 0 || patterns.is_empty() {
            if !not_provided.is_empty() {
                let message = format!("not provided here and left out: {}", not_provided.join(", "));
                self.problems.push(field.placed(Problem::note(message)));
            }
        } else if not_provided.is_empty() {
            let message =
                format!("the tools list resolves to nothing: unrecognized [{}]", unknown.join(", "));
            let help = "the agent is refused until its list names a tool that exists";
            self.problems.push(field.placed(Problem::error(message)).with_help(help));
        } else {
            let message = format!("none of its tools is provided here: {}", not_provided.join(", "));
            let help = "the agent is refused until its list names a tool that is provided";
            self.problems.push(field.placed(Problem::warning(message)).with_help(help));
        }
    }

    /// Checks `disallowedTools`, where a misspelt name leaves the agent with a tool that it should not have.
    pub(super) fn disallowed(&mut self, patterns: &[ToolPattern], field: &Field) {
        for pattern in patterns.iter().filter(|pattern| pattern.name.as_str() != "*") {
            if let ToolStatus::Unknown { did_you_mean } = tool_status(pattern.name.as_str()) {
                self.unknown(pattern, did_you_mean, "invalid tool specified in disallowedTools", field);
            }
        }
    }

    fn unknown(
        &mut self,
        pattern: &ToolPattern,
        did_you_mean: Option<&'static str>,
        message: &str,
        field: &Field,
    ) {
        let name = pattern.name.as_str();
        let problem = Problem::error(format!("{message}: '{name}'"));
        let problem = match self.place_of(name, field) {
            at @ Some(_) => problem.placed(at),
            None => field.placed(problem),
        };
        self.problems.push(problem.did_you_mean(did_you_mean));
        self.unknown.push(UnknownTool { name: name.to_owned(), did_you_mean });
    }

    /// Where a name stands within its field, as a word of its own.
    fn place_of(&self, name: &str, field: &Field) -> Option<Position> {
        let place = field.place?;
        let is_boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-'));
        (place.value.line..=place.last_line).find_map(|number| {
            let text = self.lines.get(number.checked_sub(FIRST_LINE)?)?;
            let mut found = text.match_indices(name).filter(|(byte, _)| {
                let before = text.get(..*byte).and_then(|before| before.chars().next_back());
                let behind = text.get(byte + name.len()..).and_then(|behind| behind.chars().next());
                is_boundary(before) && is_boundary(behind)
            });
            let (byte, _) = found.next()?;
            let column = text.get(..byte)?.chars().count() + 1;
            Some(Position { line: number, column, length: name.chars().count().max(1) })
        })
    }
}
