//! The name of an MCP server, which becomes part of its tools' names.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::ToolName;

/// Longest name of a server, in characters: its tools need room in theirs.
const SERVER_CHARS_MAX: usize = 40;
/// Longest name of a tool that every provider takes.
const TOOL_CHARS_MAX: usize = 64;

/// Why a server's name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum McpNameError {
    /// Nothing, or white space only.
    #[error("the server's name is empty")]
    Empty,
    /// Its tools' names would be longer than providers take.
    #[error("the server's name has {chars} characters, at most {SERVER_CHARS_MAX} are allowed")]
    TooLong {
        /// Characters that were found.
        chars: usize,
    },
    /// Rules for another server could mean this one's tools: `mcp__a` would match `mcp__a__b__tool`.
    #[error(
        "the server's name becomes '{normalized}' in tool names, which may not contain '__' nor end with '_'"
    )]
    Ambiguous {
        /// What the name becomes.
        normalized: String,
    },
}

/// Name of an MCP server as its file writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct McpServerName(Arc<str>);

impl McpServerName {
    /// Accepts every name whose tools cannot be mistaken for another server's.
    ///
    /// # Errors
    /// [`McpNameError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, McpNameError> {
        let text = text.trim();
        let chars = text.chars().count();
        if text.is_empty() {
            return Err(McpNameError::Empty);
        }
        if chars > SERVER_CHARS_MAX {
            return Err(McpNameError::TooLong { chars });
        }
        let normalized = normalize(text);
        if normalized.contains("__") || normalized.ends_with('_') {
            return Err(McpNameError::Ambiguous { normalized });
        }
        Ok(Self(text.into()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it stands in tool names and rules.
    pub fn normalized(&self) -> String {
        normalize(&self.0)
    }

    /// The full name of one of its tools, `mcp__server__tool`; `None` when no provider would take it.
    pub fn tool(&self, tool: &str) -> Option<ToolName> {
        let name = format!("mcp__{}__{}", self.normalized(), normalize(tool));
        (!tool.is_empty() && name.len() <= TOOL_CHARS_MAX).then(|| ToolName::new(name))
    }
}

impl fmt::Display for McpServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As Claude Code does it: whatever providers do not take in a tool's name becomes `_`.
fn normalize(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tool(server: &str, tool: &str) -> Option<String> {
        McpServerName::parse(server).expect("a name").tool(tool).map(|name| name.to_string())
    }

    #[test]
    fn tools_are_named_as_claude_code_names_them() {
        assert_eq!(tool("github", "list_issues").as_deref(), Some("mcp__github__list_issues"));
        assert_eq!(tool("my server.io", "a/b c").as_deref(), Some("mcp__my_server_io__a_b_c"));
        assert_eq!(tool("x", "Вash").as_deref(), Some("mcp__x___ash"));
        assert_eq!(tool("x", &"t".repeat(60)), None);
        assert_eq!(tool("x", ""), None);
    }

    #[test]
    fn names_that_could_be_mistaken_for_another_servers_are_refused() {
        for name in ["a__b", "a. b", "a_", "a!", "_"] {
            assert!(matches!(McpServerName::parse(name), Err(McpNameError::Ambiguous { .. })), "{name}");
        }
        assert_eq!(McpServerName::parse(" "), Err(McpNameError::Empty));
        assert_eq!(McpServerName::parse(&"x".repeat(41)), Err(McpNameError::TooLong { chars: 41 }));
    }

    proptest! {
        #[test]
        fn no_tool_of_one_server_is_meant_by_the_name_of_another(a in ".{1,12}", b in ".{1,12}", tool in ".{1,12}") {
            let (Ok(a), Ok(b)) = (McpServerName::parse(&a), McpServerName::parse(&b)) else { return Ok(()) };
            if let Some(name) = a.tool(&tool) {
                let is_meant = name.as_str().starts_with(&format!("mcp__{}__", b.normalized()));
                prop_assert_eq!(is_meant, a.normalized() == b.normalized(), "{} {}", name, b);
            }
        }
    }
}
