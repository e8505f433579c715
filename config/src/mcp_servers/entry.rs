//! One server's entry, the same in `.mcp.json` and in frontmatter.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{McpScope, McpServer, McpServerName, McpTransport};
use crate::Problem;

/// An entry as it stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    headers_helper: Option<Value>,
}

/// Reads one entry.
///
/// # Errors
/// The problem that makes it unusable, without a place.
pub(super) fn read(
    name: &str,
    value: &Value,
    scope: McpScope,
    path: Option<&Path>,
) -> Result<McpServer, Box<Problem>> {
    let wrong =
        |message: String| Box::new(Problem::error(format!("MCP server '{}': {message}", shown(name))));
    let name = McpServerName::parse(name).map_err(|error| {
        let problem = wrong(error.to_string());
        Box::new(problem.with_help("give it a name of letters, digits and '-'"))
    })?;
    let entry: Entry = serde_path_to_error::deserialize(value).map_err(|error| {
        let key = error.path().to_string();
        // The library's own message may quote a value.
        wrong(if key == "." { "it is no object".to_owned() } else { format!("'{key}' has the wrong type") })
    })?;
    let transport = transport(entry).map_err(wrong)?;
    Ok(McpServer { name, transport, scope, path: path.map(Path::to_path_buf) })
}

fn transport(entry: Entry) -> Result<McpTransport, String> {
    if entry.headers_helper.is_some() {
        return Err(
            "'headersHelper' is not supported: write the headers, with ${VARIABLE} for secrets".to_owned()
        );
    }
    let kind = match (entry.kind.as_deref(), &entry.url) {
        (None, Some(_)) => "http",
        (None, None) => "stdio",
        (Some(kind), _) => kind,
    };
    let filled = |value: Option<String>, key: &str| match value {
        Some(value) if !value.trim().is_empty() => Ok(value),
        _ => Err(format!("'{key}' is missing")),
    };
    match kind {
        "stdio" => Ok(McpTransport::Stdio {
            command: filled(entry.command, "command")?,
            args: entry.args,
            env: entry.env,
        }),
        "http" | "streamable-http" | "streamableHttp" => {
            Ok(McpTransport::Http { url: filled(entry.url, "url")?, headers: entry.headers })
        }
        "sse" => Ok(McpTransport::Sse { url: filled(entry.url, "url")?, headers: entry.headers }),
        other => Err(format!("unknown type '{}': known types are stdio, http and sse", shown(other))),
    }
}

/// A name out of a file that nobody has checked, fit for one line.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    text.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect()
}
