//! One thing found where agents are looked for, and whether it can be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::{AgentDefinition, AgentReport, AgentSource};
use crate::{Problem, Severity};

/// Whether an entry can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// It can.
    Ok,
    /// It can, but its file says something that is not done as it is written.
    Warning,
    /// It cannot; its problems say why.
    Broken,
    /// It could, but another agent has its name and comes first.
    Shadowed,
}

/// One thing found where agents are looked for.
#[derive(Clone, Debug)]
pub struct AgentEntry {
    /// The agent's name; of a file without one, the file's name without its ending.
    pub name: String,
    /// The agent, where its file could be read, also when it is shadowed.
    pub definition: Option<Arc<AgentDefinition>>,
    /// Where it was found.
    pub source: AgentSource,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
    /// Whether it can be used.
    pub status: AgentStatus,
    /// What is wrong or worth knowing, in the order of the file.
    pub problems: Vec<Problem>,
}

impl AgentEntry {
    /// An agent about which there is nothing to say.
    pub(super) fn of(definition: Arc<AgentDefinition>) -> Self {
        Self {
            name: definition.name.to_string(),
            source: definition.source,
            path: definition.path.clone(),
            status: AgentStatus::Ok,
            problems: Vec::new(),
            definition: Some(definition),
        }
    }

    /// A file or directory that cannot be read.
    pub(super) fn broken(path: PathBuf, source: AgentSource, problem: Problem) -> Self {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (definition, status) = (None, AgentStatus::Broken);
        Self { name, definition, source, path: Some(path), status, problems: vec![problem] }
    }

    /// What a report says. With `strict`, an agent with errors is broken, e.g. one that names a tool that does not exist.
    pub(super) fn from_report(
        report: AgentReport,
        source: AgentSource,
        path: Option<&Path>,
        strict: bool,
    ) -> Self {
        let is_refused = strict && report.has_errors();
        let status = match (&report.definition, report.worst()) {
            (None, _) => AgentStatus::Broken,
            (Some(_), _) if is_refused => AgentStatus::Broken,
            (Some(_), Some(Severity::Warning | Severity::Error)) => AgentStatus::Warning,
            (Some(_), Some(Severity::Note) | None) => AgentStatus::Ok,
        };
        Self {
            name: report.name,
            definition: report.definition.filter(|_| !is_refused).map(Arc::new),
            source,
            path: path.map(Path::to_path_buf),
            status,
            problems: report.problems,
        }
    }

    /// Marks an agent whose name belongs to another one.
    pub(super) fn shadow(&mut self, winner: &AgentDefinition) {
        let place = match (&winner.path, winner.source) {
            (Some(path), _) => path.display().to_string(),
            (None, AgentSource::CommandLine) => "--agents".to_owned(),
            (None, AgentSource::BuiltIn | AgentSource::User | AgentSource::Project) => {
                format!("a built-in agent, {}", winner.name)
            }
        };
        self.status = AgentStatus::Shadowed;
        let problem = Problem::note(format!("not used: the agent of this name in {place} comes first"));
        self.problems.push(match &self.path {
            Some(path) => problem.in_file(path),
            None => problem,
        });
    }

    /// Whether tasks can name it.
    pub fn is_usable(&self) -> bool {
        matches!(self.status, AgentStatus::Ok | AgentStatus::Warning)
    }
}
