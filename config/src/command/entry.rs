//! One thing found where commands are looked for, and whether it can be called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::{CommandDefinition, CommandSource};
use crate::{Problem, Severity};

/// Whether a command can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandStatus {
    /// It can.
    Ok,
    /// It can, but its file says something that is not done as it is written.
    Warning,
    /// It cannot; its problems say why.
    Broken,
    /// It could, but another command has its name and comes first.
    Shadowed,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct CommandEntry {
    /// The command's name.
    pub name: String,
    /// The command, where its file could be read.
    pub definition: Option<Arc<CommandDefinition>>,
    /// Where it was found.
    pub source: CommandSource,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
    /// Whether it can be called.
    pub status: CommandStatus,
    /// What is wrong or worth knowing.
    pub problems: Vec<Problem>,
}

impl CommandEntry {
    pub(super) fn of(definition: CommandDefinition, problems: Vec<Problem>) -> Self {
        let worst = problems.iter().map(|problem| problem.severity).max();
        let status = match worst {
            Some(Severity::Warning | Severity::Error) => CommandStatus::Warning,
            Some(Severity::Note) | None => CommandStatus::Ok,
        };
        Self {
            name: definition.name.clone(),
            source: definition.source,
            path: definition.path.clone(),
            status,
            problems,
            definition: Some(Arc::new(definition)),
        }
    }

    pub(super) fn broken(name: String, path: &Path, source: CommandSource, problem: Problem) -> Self {
        let problems = vec![problem.in_file(path)];
        let (definition, status) = (None, CommandStatus::Broken);
        Self { name, definition, source, path: Some(path.to_path_buf()), status, problems }
    }

    pub(super) fn shadow(&mut self, winner: &CommandDefinition) {
        let place =
            winner.path.as_deref().map_or_else(|| "the program".into(), |path| path.display().to_string());
        self.status = CommandStatus::Shadowed;
        let problem = Problem::note(format!("not used: the command of this name in {place} comes first"));
        self.problems.push(match &self.path {
            Some(path) => problem.in_file(path),
            None => problem,
        });
    }

    /// Whether it can be called.
    pub fn is_usable(&self) -> bool {
        matches!(self.status, CommandStatus::Ok | CommandStatus::Warning)
    }
}
