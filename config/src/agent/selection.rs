//! Which tools an agent asks for, as written in its file; what exists is decided where tools live.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ToolName;

/// One entry of a `tools:` or `disallowedTools:` list, e.g. `Read`, `Bash(git:*)`, `mcp__server__*`, `Agent(name)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolPattern {
    /// The tool, without the specifier; `*` alone stands in deny lists only (see [`ToolSelection::Inherit`]).
    pub name: ToolName,
    /// What stood in parentheses.
    pub specifier: Option<String>,
}

impl ToolPattern {
    /// Reads `Name` or `Name(specifier)`.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.split_once('(') {
            Some((name, rest)) if rest.ends_with(')') => Self {
                name: ToolName::new(name.trim_end()),
                specifier: rest.strip_suffix(')').map(str::to_owned),
            },
            _ => Self { name: ToolName::new(text), specifier: None },
        }
    }

    /// Reads a list: entries stand between commas or spaces, except in parentheses. `Bash (git:*)` is one entry, so
    /// that a slip of the space bar does not widen what was meant to be narrow.
    pub fn parse_list(text: &str) -> Vec<Self> {
        let mut entries: Vec<String> = Vec::new();
        let (mut current, mut depth) = (String::new(), 0_usize);
        let mut is_after_space = false;
        for c in text.chars() {
            match c {
                c if depth == 0 && (c == ',' || c.is_whitespace()) => {
                    entries.extend(Some(std::mem::take(&mut current)).filter(|entry| !entry.is_empty()));
                    is_after_space = c != ',';
                    continue;
                }
                '(' => {
                    if current.is_empty() && is_after_space {
                        current = entries.pop().unwrap_or_default();
                    }
                    depth += 1;
                }
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            current.push(c);
        }
        entries.extend(Some(current).filter(|entry| !entry.trim().is_empty()));
        entries.iter().map(|entry| Self::parse(entry)).collect()
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.specifier {
            Some(specifier) => write!(f, "{}({specifier})", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// The `tools:` key.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolSelection {
    /// Key absent, or `*` among the entries: all tools of the session.
    #[default]
    Inherit,
    /// Exactly these; an empty list is an agent without tools.
    Listed(Vec<ToolPattern>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Vec<String> {
        ToolPattern::parse_list(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn entries_stand_between_commas_or_spaces_but_not_in_parentheses() {
        assert_eq!(list("Read, Grep"), ["Read", "Grep"]);
        assert_eq!(list("Read Grep\tGlob"), ["Read", "Grep", "Glob"]);
        assert_eq!(list("Bash(git log, git diff), Read"), ["Bash(git log, git diff)", "Read"]);
        assert_eq!(list("Bash (git:*), Read"), ["Bash(git:*)", "Read"]);
        assert_eq!(list("Bash(echo (a) b)"), ["Bash(echo (a) b)"]);
        assert_eq!(list(" , ,"), [""; 0]);
        assert_eq!(list("Bash(git, Read"), ["Bash(git, Read"]);
    }

    proptest! {
        #[test]
        fn a_list_that_is_written_out_reads_as_itself(names in prop::collection::vec("[A-Za-z_*]{1,9}(\\([a-z :*,]{0,9}\\))?", 0..6)) {
            let patterns: Vec<ToolPattern> = names.iter().map(|name| ToolPattern::parse(name)).collect();
            prop_assert_eq!(ToolPattern::parse_list(&names.join(", ")), patterns);
        }

        #[test]
        fn any_text_is_a_list(text in any::<String>()) {
            let _ = ToolPattern::parse_list(&text);
        }
    }
}
