//! Which MCP servers may run, and how long they may take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::trust::{FolderTrust, TrustedFolders, folder_of, how_to_trust};
use crate::{McpScope, McpServer, Problem};

/// Settings of MCP servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpSettings {
    /// Which servers of a repository may run.
    pub trust: McpTrust,
    /// From a server's start to its list of tools; `MCP_TIMEOUT` beats it.
    pub start_timeout: Option<Duration>,
    /// For each call; `MCP_TOOL_TIMEOUT` beats it.
    pub call_timeout: Option<Duration>,
}

/// Which servers of a repository may run: none, until the user says so. A repository cannot say so itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpTrust {
    /// All of them.
    pub all: bool,
    /// Those of these names.
    pub enabled: BTreeSet<String>,
    /// Those that are defined in or below these directories.
    pub folders: Vec<PathBuf>,
    /// Those that are defined in a folder that the user trusts as a whole.
    pub projects: TrustedFolders,
    /// Servers that never run, whatever else is said.
    pub disabled: BTreeSet<String>,
}

/// Whether a server may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpVerdict {
    /// It may.
    Trusted,
    /// The settings switch it off.
    Disabled,
    /// It belongs to a repository, and nobody has allowed it.
    Untrusted,
}

impl McpTrust {
    /// Decides on one server.
    pub fn judge(&self, server: &McpServer) -> McpVerdict {
        let names = [server.name.as_str().to_owned(), server.name.normalized()];
        let is_in = |set: &BTreeSet<String>| names.iter().any(|name| set.contains(name));
        let is_below = |folder: &PathBuf| server.path.as_deref().is_some_and(|path| lies_in(path, folder));
        if is_in(&self.disabled) {
            McpVerdict::Disabled
        } else if server.scope > McpScope::Project
            || self.all
            || self.enabled.contains(server.name.as_str())
            || self.folders.iter().any(is_below)
            || server.path.as_deref().is_some_and(|path| self.projects.of_file(path) == FolderTrust::Trusted)
        {
            McpVerdict::Trusted
        } else {
            McpVerdict::Untrusted
        }
    }

    /// Why a server does not run, and what the user can do; `None` when it may run.
    pub fn problem(&self, server: &McpServer) -> Option<Problem> {
        let name = server.name.as_str().escape_debug();
        let problem = match self.judge(server) {
            McpVerdict::Trusted => return None,
            McpVerdict::Disabled => Problem::note(format!("MCP server '{name}' is switched off by the settings"))
                .with_help("take it out of disabledMcpjsonServers, or of mcp.disabled_servers"),
            McpVerdict::Untrusted => Problem::warning(format!(
                "MCP server '{name}' belongs to the project and is not started: nobody has allowed it to use '{}'",
                server.transport.subject().escape_debug()
            ))
            .with_help(format!(
                "{}, or add \"{name}\" to enabledMcpjsonServers in ~/.claude/settings.json",
                how_to_trust(server.path.as_deref().map_or(Path::new("."), folder_of))
            )),
        };
        Some(match &server.path {
            Some(path) => problem.in_file(path),
            None => problem,
        })
    }
}

/// What one file says about trust.
#[derive(Debug)]
pub(super) struct McpTrustWish {
    pub(super) all: Option<bool>,
    pub(super) enabled: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) disabled: Vec<String>,
}

impl McpTrustWish {
    /// Keeps what forbids servers to run.
    pub(super) fn narrowing(self) -> Self {
        let all = self.all.filter(|all| !all);
        Self { all, enabled: Vec::new(), folders: Vec::new(), ..self }
    }
}

/// Real places are compared: a link inside a trusted folder leads out of it.
fn lies_in(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{McpServerName, McpTransport};

    fn server(scope: McpScope, path: Option<PathBuf>) -> McpServer {
        let command = "npx\u{1b}[2J".to_owned();
        let transport =
            McpTransport::Stdio { command, args: Vec::new(), env: std::collections::BTreeMap::new() };
        McpServer { name: McpServerName::parse("my srv").expect("a name"), transport, scope, path }
    }

    #[test]
    fn a_projects_server_runs_only_when_it_is_allowed() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let project = server(McpScope::Project, None);
        for (trust, expected) in [
            (McpTrust::default(), McpVerdict::Untrusted),
            (McpTrust { all: true, ..McpTrust::default() }, McpVerdict::Trusted),
            (McpTrust { enabled: names(&["my srv"]), ..McpTrust::default() }, McpVerdict::Trusted),
            (McpTrust { enabled: names(&["other"]), ..McpTrust::default() }, McpVerdict::Untrusted),
            (
                McpTrust { all: true, disabled: names(&["my_srv"]), ..McpTrust::default() },
                McpVerdict::Disabled,
            ),
        ] {
            assert_eq!(trust.judge(&project), expected, "{trust:?}");
        }
        assert_eq!(McpTrust::default().judge(&server(McpScope::User, None)), McpVerdict::Trusted);
    }

    #[test]
    fn trust_in_a_folder_covers_what_lies_below_it_and_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        for folder in ["proj", "proj-evil"] {
            std::fs::create_dir(dir.path().join(folder)).expect("a folder");
            std::fs::write(dir.path().join(folder).join(".mcp.json"), "{}").expect("a file");
        }
        let trust = McpTrust { folders: vec![dir.path().join("proj")], ..McpTrust::default() };
        let of = |folder: &str| server(McpScope::Project, Some(dir.path().join(folder).join(".mcp.json")));
        assert_eq!(trust.judge(&of("proj")), McpVerdict::Trusted);
        assert_eq!(trust.judge(&of("proj-evil")), McpVerdict::Untrusted);
    }

    #[test]
    fn the_problem_tells_how_to_allow_it_and_shows_no_control_characters() {
        let problem = McpTrust::default().problem(&server(McpScope::Project, None)).expect("a problem");
        assert!(problem.message.contains(r"'npx\u{1b}[2J'"), "{}", problem.message);
        assert!(problem.help.expect("help").contains("add \"my srv\" to enabledMcpjsonServers"));
    }
}
