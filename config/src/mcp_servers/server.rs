//! One MCP server: how it is reached, and whose wish it is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::McpServerName;

/// Whose definition it is, from weak to strong trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum McpScope {
    /// The repository's: `.mcp.json`, or an agent file in it. Runs only when the user trusts it.
    Project,
    /// The user's own agent file.
    User,
    /// The command line or the embedding host.
    Session,
}

/// One MCP server as a file defines it, its variables not yet filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    /// Its name.
    pub name: McpServerName,
    /// How it is reached.
    pub transport: McpTransport,
    /// Whose definition it is.
    pub scope: McpScope,
    /// The file that defines it.
    pub path: Option<PathBuf>,
}

/// How a server is reached. Values may be secrets or hold `${VARIABLE}`; `Debug` shows names only.
#[derive(Clone, PartialEq, Eq)]
pub enum McpTransport {
    /// A program that speaks on its standard input and output.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, beside the few variables that every server gets.
        env: BTreeMap<String, String>,
    },
    /// A server that is reached by streamable HTTP.
    Http {
        /// Its address.
        url: String,
        /// Headers sent with each request.
        headers: BTreeMap<String, String>,
    },
    /// A server that is reached by the older transport of HTTP with server-sent events.
    Sse {
        /// Its address.
        url: String,
        /// Headers sent with each request.
        headers: BTreeMap<String, String>,
    },
}

impl McpTransport {
    /// `stdio`, `http` or `sse`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stdio { .. } => "stdio",
            Self::Http { .. } => "http",
            Self::Sse { .. } => "sse",
        }
    }

    /// What would run or be called, for people: the program, or the address without what may be a secret.
    pub fn subject(&self) -> &str {
        match self {
            Self::Stdio { command, .. } => command,
            Self::Http { url, .. } | Self::Sse { url, .. } => {
                let bare = url.split(['?', '#']).next().unwrap_or_default();
                let is_clean = !bare.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
                if is_clean { bare } else { "an address with a user name" }
            }
        }
    }
}

impl fmt::Debug for McpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |values: &BTreeMap<String, String>| values.keys().cloned().collect::<Vec<_>>();
        let mut shown = f.debug_struct(self.kind());
        shown.field("subject", &self.subject());
        match self {
            Self::Stdio { args, env, .. } => {
                shown.field("args", &args.len()).field("env", &names(env));
            }
            Self::Http { headers, .. } | Self::Sse { headers, .. } => {
                shown.field("headers", &names(headers));
            }
        }
        shown.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value_that_may_be_a_secret() {
        let values = BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]);
        let stdio = McpTransport::Stdio {
            command: "npx".into(),
            args: vec!["--token=hunter2".into()],
            env: values.clone(),
        };
        let http = McpTransport::Http { url: "https://h/x?key=hunter2".into(), headers: values.clone() };
        let user = McpTransport::Sse { url: "https://hunter2@h/x".into(), headers: values };
        for transport in [stdio, http, user] {
            let shown = format!("{transport:?}");
            assert!(!shown.contains("hunter2") && shown.contains("TOKEN"), "{shown}");
        }
    }
}
