//! Agents as JSON: what `agents list --json` prints.

use codex_task_config::{
    AgentEntry, AgentSource, AgentStatus, Problem, Severity, ToolPattern, ToolSelection,
};
use serde::Serialize;

/// One thing found where agents are looked for.
#[derive(Clone, Debug, Serialize)]
pub struct AgentJson {
    /// The agent's name.
    pub name: String,
    /// When to use it; `null` when its file cannot be read.
    pub description: Option<String>,
    /// The tools it lists, as they are written; `null` when it has all tools of the session.
    pub tools: Option<Vec<String>>,
    /// The model it asks for; `inherit` for the session's.
    pub model: Option<String>,
    /// Where it was found.
    pub source: AgentSource,
    /// Its file, where it has one.
    pub path: Option<String>,
    /// Whether it can be used.
    pub status: AgentStatus,
    /// What is wrong or worth knowing.
    pub problems: Vec<ProblemJson>,
}

/// One finding about a file.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemJson {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The line, where it is known, from 1.
    pub line: Option<usize>,
    /// The column, where it is known, from 1.
    pub column: Option<usize>,
    /// What to do about it.
    pub help: Option<String>,
    /// The line as it should be.
    pub fixed_line: Option<String>,
}

impl From<&AgentEntry> for AgentJson {
    fn from(entry: &AgentEntry) -> Self {
        let definition = entry.definition.as_deref();
        Self {
            name: entry.name.clone(),
            description: definition.map(|agent| agent.description.clone()),
            tools: definition.and_then(|agent| match &agent.tools {
                ToolSelection::Inherit => None,
                ToolSelection::Listed(patterns) => Some(patterns.iter().map(written).collect()),
            }),
            model: definition.map(|agent| agent.model.to_string()),
            source: entry.source,
            path: entry.path.as_ref().map(|path| path.display().to_string()),
            status: entry.status,
            problems: entry.problems.iter().map(ProblemJson::from).collect(),
        }
    }
}

impl From<&Problem> for ProblemJson {
    fn from(problem: &Problem) -> Self {
        Self {
            severity: problem.severity,
            message: problem.message.clone(),
            line: problem.position.map(|at| at.line),
            column: problem.position.map(|at| at.column),
            help: problem.help.clone(),
            fixed_line: problem.fixed_line.clone(),
        }
    }
}

fn written(pattern: &ToolPattern) -> String {
    match &pattern.specifier {
        Some(specifier) => format!("{}({specifier})", pattern.name),
        None => pattern.name.to_string(),
    }
}
