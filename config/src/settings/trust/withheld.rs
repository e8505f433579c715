//! What an untrusted folder's settings would have widened: taken out before they are merged, and told in one sentence.

use std::path::Path;

use super::folders::folder_of;
use crate::settings::claude_file::ClaudeFile;
use crate::settings::file::SettingsFile;
use crate::{PermissionMode, Problem, shell_word};

/// The parts of one file that are without effect.
#[derive(Debug, Default)]
pub(in crate::settings) struct Withheld {
    allow_rules: usize,
    directories: usize,
    variables: usize,
    /// Servers that the file would have allowed, or that it would have allowed all.
    servers: Option<Servers>,
    mode: Option<PermissionMode>,
}

#[derive(Debug)]
enum Servers {
    All,
    Named(usize),
}

impl Withheld {
    /// Takes out of one of Claude Code's files what would widen a session that is in this mode.
    pub(in crate::settings) fn from_claude(file: &mut ClaudeFile, present: PermissionMode) -> Self {
        let permissions = &mut file.permissions;
        Self {
            allow_rules: std::mem::take(&mut permissions.allow).len(),
            directories: std::mem::take(&mut permissions.additional_directories).len(),
            variables: std::mem::take(&mut file.env).len(),
            servers: servers(&mut file.enable_all_project_mcp_servers, &mut file.enabled_mcp_servers),
            mode: wider(&mut permissions.default_mode, present),
        }
    }

    /// The same for one of our own files.
    pub(in crate::settings) fn from_own(file: &mut SettingsFile, present: PermissionMode) -> Self {
        let permissions = &mut file.permissions;
        Self {
            allow_rules: std::mem::take(&mut permissions.allow).len(),
            directories: std::mem::take(&mut permissions.additional_directories).len(),
            variables: 0,
            servers: servers(&mut file.mcp.enable_all_project_servers, &mut file.mcp.enabled_servers),
            mode: wider(&mut permissions.mode, present),
        }
    }

    /// What the user should know of it; `None` where the file only narrows.
    pub(in crate::settings) fn problem(&self, file: &Path) -> Option<Problem> {
        let parts = self.parts();
        if parts.is_empty() {
            return None;
        }
        let message = format!("not in force, since its folder is not trusted: {}", parts.join(", "));
        Some(Problem::warning(message).in_file(file).with_help(how_to_trust(folder_of(file))))
    }

    fn parts(&self) -> Vec<String> {
        let counted = |count: usize, noun: &str, nouns: &str| match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            _ => Some(format!("{count} {nouns}")),
        };
        let servers = match self.servers {
            None => None,
            Some(Servers::All) => Some("the yes to all MCP servers".to_owned()),
            Some(Servers::Named(count)) => counted(count, "allowed MCP server", "allowed MCP servers"),
        };
        [
            counted(self.allow_rules, "allow rule", "allow rules"),
            counted(self.directories, "additional directory", "additional directories"),
            counted(self.variables, "variable", "variables"),
            servers,
            self.mode.map(|mode| format!("the permission mode {}", mode.as_str())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What the user can do to have a folder's settings in full.
pub(in crate::settings) fn how_to_trust(folder: &Path) -> String {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    format!("if you trust what is in it: `codex-task trust {}`", shell_word(&real.display().to_string()))
}

fn servers(all: &mut Option<bool>, named: &mut Vec<String>) -> Option<Servers> {
    let named = std::mem::take(named).len();
    if *all == Some(true) {
        *all = None;
        return Some(Servers::All);
    }
    (named > 0).then_some(Servers::Named(named))
}

/// Takes a mode out that is wider than the present one. A text that names no mode stays, and is told where it is read.
fn wider(mode: &mut Option<String>, present: PermissionMode) -> Option<PermissionMode> {
    let wanted = mode.as_deref().and_then(PermissionMode::parse).filter(|wanted| *wanted > present)?;
    *mode = None;
    Some(wanted)
}
