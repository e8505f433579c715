//! `mcpServers` of an agent's frontmatter: names of servers that are there, and servers of the agent's own.

use std::path::Path;

use serde_json::Value;

use super::entry;
use super::{McpScope, McpServer, McpServerName};
use crate::Problem;

/// One entry of an agent's `mcpServers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum McpServerEntry {
    /// A server of the session, by name.
    Named(McpServerName),
    /// A server that only this agent has.
    Defined(McpServer),
}

impl McpServerEntry {
    /// The server's name.
    pub fn name(&self) -> &McpServerName {
        match self {
            Self::Named(name) => name,
            Self::Defined(server) => &server.name,
        }
    }
}

/// Reads the value of `mcpServers`: a list of names and of `name: definition`, or one mapping of such. Entries that
/// cannot be read are problems; the others stay.
pub fn mcp_servers_of_frontmatter(
    value: &Value,
    scope: McpScope,
    path: Option<&Path>,
) -> (Vec<McpServerEntry>, Vec<Problem>) {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    let mut add = |read: Result<McpServerEntry, Box<Problem>>| match read {
        Ok(entry) => entries.push(entry),
        Err(problem) => problems.push(*problem),
    };
    let named = |name: &str| {
        let named = McpServerName::parse(name).map(McpServerEntry::Named);
        named.map_err(|error| Box::new(Problem::error(format!("mcpServers: {error}"))))
    };
    let defined = |name: &str, value: &Value| match value {
        Value::Null => named(name),
        _ => entry::read(name, value, scope, path).map(McpServerEntry::Defined),
    };
    match value {
        Value::Null => {}
        Value::String(line) => {
            line.split(',').filter(|name| !name.trim().is_empty()).for_each(|name| add(named(name)));
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(name) => add(named(name)),
                    Value::Object(servers) => {
                        servers.iter().for_each(|(name, value)| add(defined(name, value)));
                    }
                    _ => add(Err(Box::new(unreadable()))),
                }
            }
        }
        Value::Object(servers) => servers.iter().for_each(|(name, value)| add(defined(name, value))),
        Value::Bool(_) | Value::Number(_) => add(Err(Box::new(unreadable()))),
    }
    (entries, problems)
}

fn unreadable() -> Problem {
    Problem::error("mcpServers: an entry is a server's name, or a name with its definition")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_definitions_stand_side_by_side() {
        let value = json!(["github", {"own": {"command": "srv", "args": ["-v"]}}, {"slack": null}]);
        let (entries, problems) = mcp_servers_of_frontmatter(&value, McpScope::User, None);
        let shown: Vec<String> = entries
            .iter()
            .map(|entry| match entry {
                McpServerEntry::Named(name) => name.to_string(),
                McpServerEntry::Defined(server) => format!("{} {:?}", server.name, server.transport),
            })
            .collect();
        assert_eq!(shown, ["github", "own stdio { subject: \"srv\", args: 1, env: [] }", "slack"]);
        assert_eq!(problems, []);
    }

    #[test]
    fn one_mapping_and_one_line_of_names_do_as_well() {
        for value in [json!("a, b"), json!({"a": null, "b": null}), json!(["a", "b"])] {
            assert_eq!(mcp_servers_of_frontmatter(&value, McpScope::User, None).0.len(), 2, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_stays() {
        let value = json!(["ok", 1, "a__b", {"x": {"type": "ws", "url": "ws://h"}}]);
        let (entries, problems) = mcp_servers_of_frontmatter(&value, McpScope::User, None);
        assert_eq!((entries.len(), problems.len()), (1, 3), "{problems:?}");
    }
}
