//! Which tools an agent asks for, as written in its file; what exists is decided where tools live.

use crate::ToolName;

/// One entry of a `tools:` or `disallowedTools:` list, e.g. `Read`, `Bash(git:*)`, `mcp__server__*`, `Agent(name)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPattern {
    /// The tool, without the specifier; `*` alone never stands here (see [`ToolSelection::Inherit`]).
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
}

/// The `tools:` key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ToolSelection {
    /// Key absent, or `*` among the entries: all tools of the session.
    #[default]
    Inherit,
    /// Exactly these; an empty list is an agent without tools.
    Listed(Vec<ToolPattern>),
}
