//! `.claude/settings.json`, `.claude/settings.local.json`, `~/.claude/settings.json` and the managed file: the parts
//! of Claude Code's settings that concern us. Keys that we do not know are Claude Code's business; a part that we do
//! know and cannot read fails closed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Position, Problem};

/// A settings file as it stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaudeFile {
    pub(super) permissions: ClaudePermissions,
    pub(super) env: BTreeMap<String, String>,
    pub(super) model: Option<String>,
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

/// Where a string stands in a JSON text, for telling people where a rule comes from.
pub(super) fn find_string(text: &str, string: &str) -> Option<Position> {
    let quoted = serde_json::to_string(string).ok()?;
    text.lines().enumerate().find_map(|(index, line)| {
        let at = line.find(&quoted)?;
        let column = line.get(..at)?.chars().count() + 1;
        Some(Position { line: index + 1, column, length: quoted.chars().count() })
    })
}
