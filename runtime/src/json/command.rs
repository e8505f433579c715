//! Slash commands as JSON.

use codex_task_config::{CommandEntry, CommandSource, CommandStatus};
use serde::Serialize;

use super::ProblemJson;

/// One slash command as `commands list` gives it.
#[derive(Clone, Debug, Serialize)]
pub struct CommandJson {
    /// Its name without the slash.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// What its arguments are.
    pub argument_hint: Option<String>,
    /// The model that it asks for; `inherit` for the session's.
    pub model: Option<String>,
    /// Rules that allow calls while it runs.
    pub allowed_tools: Vec<String>,
    /// Where it comes from.
    pub source: CommandSource,
    /// Its file.
    pub path: Option<String>,
    /// Whether it can be called.
    pub status: CommandStatus,
    /// What is wrong or worth knowing.
    pub problems: Vec<ProblemJson>,
}

impl From<&CommandEntry> for CommandJson {
    fn from(entry: &CommandEntry) -> Self {
        let definition = entry.definition.as_deref();
        Self {
            name: entry.name.clone(),
            description: definition.map(|command| command.description.clone()),
            argument_hint: definition.and_then(|command| command.argument_hint.clone()),
            model: definition.map(|command| command.model.to_string()),
            allowed_tools: definition.map(|command| command.allowed_tools.clone()).unwrap_or_default(),
            source: entry.source,
            path: entry.path.as_deref().map(|path| path.display().to_string()),
            status: entry.status,
            problems: entry.problems.iter().map(ProblemJson::from).collect(),
        }
    }
}
