//! `.claude/settings.json`, `.claude/settings.local.json`, `~/.claude/settings.json` and the managed file: the parts
//! of Claude Code's settings that concern us. Keys that we do not know are Claude Code's business; a part that we do
//! know and cannot read fails closed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::Problem;

/// A settings file as it stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaudeFile {
    pub(super) permissions: ClaudePermissions,
    pub(super) env: BTreeMap<String, String>,
    pub(super) model: Option<String>,
    pub(super) enable_all_project_mcp_servers: Option<bool>,
    #[serde(rename = "enabledMcpjsonServers")]
    pub(super) enabled_mcp_servers: Vec<String>,
    #[serde(rename = "disabledMcpjsonServers")]
    pub(super) disabled_mcp_servers: Vec<String>,
    /// Read when its file is known: whose hooks they are decides what becomes of them.
    pub(super) hooks: Option<Value>,
    pub(super) disable_all_hooks: Option<bool>,
}

/// `permissions`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaudePermissions {
    pub(super) allow: Vec<String>,
    pub(super) ask: Vec<String>,
    pub(super) deny: Vec<String>,
    pub(super) default_mode: Option<String>,
    pub(super) additional_directories: Vec<String>,
}

impl ClaudeFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The problem that makes the file unreadable, with its place.
    pub(super) fn parse(text: &str) -> Result<Self, Box<Problem>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.inner();
            let message = inner.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message);
            let message = if path == "." { message.to_owned() } else { format!("{path}: {message}") };
            Box::new(Problem::error(message).at(inner.line().max(1), inner.column().max(1), 1))
        })
    }
}
