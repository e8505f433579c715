//! Everything that can be said about one agent file: what `agents validate` shows, and what a registry keeps.

use std::path::{Path, PathBuf};

use super::build::{Built, FieldState, Parts, RequiredFields, build};
use super::discovery::Discovery;
use super::document::{Document, normalized};
use super::file;
use super::fix::{Fix, fixed};
use super::frontmatter::{Frontmatter, Syntax};
use super::tool_check::UnknownTool;
use super::{AgentDefinition, AgentSource};
use crate::workspace::repository_root;
use crate::{Problem, Severity, sha256_hex};

/// One agent file, read and judged.
#[derive(Clone, Debug)]
pub struct AgentReport {
    /// The agent's name; of a file without one, the file's name without its ending.
    pub name: String,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
    /// Its text as positions count it: without byte order mark, lines ending in `\n`. Empty if it cannot be read.
    pub text: String,
    /// How its frontmatter could be read; `None` when it could not: the first error says why.
    pub syntax: Option<Syntax>,
    /// Whether the keys are there without which there is no agent; `None` when the frontmatter could not be read.
    pub required: Option<RequiredFields>,
    /// The tools that it names and that exist nowhere.
    pub unknown_tools: Vec<UnknownTool>,
    /// The agent, if it can be used.
    pub definition: Option<AgentDefinition>,
    /// What is wrong or worth knowing, in the order of the file.
    pub problems: Vec<Problem>,
    /// How lines that were read leniently should be written.
    pub(super) fixes: Vec<Fix>,
}

impl AgentReport {
    /// Reads and judges a file.
    pub fn read(path: &Path) -> Self {
        Self::read_as(path, AgentSource::Project)
    }

    /// Reads and judges all agent files below a directory, in the order of their paths; of a file, the file alone.
    pub fn read_all(path: &Path) -> Vec<Self> {
        if !path.is_dir() {
            return vec![Self::read(path)];
        }
        let boundary = path.canonicalize().ok().and_then(|path| repository_root(&path));
        let found = Discovery::below(path, boundary.as_deref().unwrap_or(path));
        let mut reports: Vec<Self> = found.files.iter().map(|file| Self::read(file)).collect();
        reports.extend(found.broken.into_iter().map(|(path, problem)| Self::broken(problem, Some(&path))));
        reports.sort_by(|a, b| a.path.cmp(&b.path));
        reports
    }

    /// Judges a text as if it stood in a file of this name.
    pub fn of_text(text: &str, path: Option<&Path>) -> Self {
        Self::judge(text, AgentSource::Project, path)
    }

    /// Reads and judges a file; the agent is from there.
    pub(super) fn read_as(path: &Path, source: AgentSource) -> Self {
        match file::read(path) {
            Ok(text) => {
                let mut report = Self::judge(&text, source, Some(path));
                if let Some(definition) = &mut report.definition {
                    definition.sha256 = Some(sha256_hex(&text).into());
                }
                report
            }
            Err(problem) => Self::broken(*problem, Some(path)),
        }
    }

    /// Judges a text.
    pub(super) fn judge(text: &str, source: AgentSource, path: Option<&Path>) -> Self {
        let text = normalized(text);
        let read = Document::split(&text).and_then(|document| {
            Frontmatter::read(document.frontmatter).map(|frontmatter| (frontmatter, document))
        });
        let mut report = match read {
            Ok((frontmatter, document)) => Self::of_frontmatter(frontmatter, document, source, path),
            Err(problem) => Self::broken(*problem, path),
        };
        report.text = text.into_owned();
        report
    }

    /// A file that gives no agent for one reason.
    pub(super) fn broken(problem: Problem, path: Option<&Path>) -> Self {
        let name = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        Self {
            name: name.unwrap_or_default(),
            path: path.map(Path::to_path_buf),
            problems: vec![in_file(problem, path)],
            ..Self::empty()
        }
    }

    /// A report about nothing, to be filled.
    pub(super) fn empty() -> Self {
        Self {
            name: String::new(),
            path: None,
            text: String::new(),
            syntax: None,
            required: None,
            unknown_tools: Vec::new(),
            definition: None,
            problems: Vec::new(),
            fixes: Vec::new(),
        }
    }

    fn of_frontmatter(
        frontmatter: Frontmatter,
        document: Document<'_>,
        source: AgentSource,
        path: Option<&Path>,
    ) -> Self {
        let lines: Vec<&str> = document.frontmatter.lines().collect();
        let parts = Parts { fields: &frontmatter.fields, lines: &lines, prompt: document.body, source, path };
        let Built { definition, required, unknown_tools, problems: of_keys } = build(&parts);
        let written_name = frontmatter.field("name").and_then(|field| field.value.text()).map(str::trim);
        let stem = || path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let name = match written_name {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => stem().unwrap_or_default(),
        };
        let mut problems = frontmatter.problems;
        problems.extend(of_keys);
        if document.body.trim().is_empty() {
            problems.push(Problem::note("the file has no body: the agent has no prompt of its own"));
        }
        let mut problems: Vec<Problem> = problems.into_iter().map(|problem| in_file(problem, path)).collect();
        problems.sort_by_key(|problem| problem.position.map_or((usize::MAX, 0), |at| (at.line, at.column)));
        Self {
            name,
            path: path.map(Path::to_path_buf),
            syntax: Some(frontmatter.syntax),
            required: Some(required),
            unknown_tools,
            definition,
            problems,
            fixes: frontmatter.fixes,
            ..Self::empty()
        }
    }

    /// Whether the keys are there without which there is no agent.
    pub fn has_required_fields(&self) -> bool {
        let present = |required: RequiredFields| {
            required.name == FieldState::Present && required.description == FieldState::Present
        };
        self.required.is_some_and(present)
    }

    /// Whether something must be fixed: an error, even if the agent can be used without the part concerned.
    pub fn has_errors(&self) -> bool {
        self.definition.is_none() || self.worst() == Some(Severity::Error)
    }

    /// The worst of its problems.
    pub fn worst(&self) -> Option<Severity> {
        self.problems.iter().map(|problem| problem.severity).max()
    }

    /// The text as YAML alone would read it, with the same meaning; `None` when it is YAML already.
    pub fn fixed_text(&self) -> Option<String> {
        if self.fixes.is_empty() {
            return None;
        }
        let document = Document::split(&self.text).ok()?;
        let frontmatter = Frontmatter::read(document.frontmatter).ok()?;
        let fixed = fixed(&self.text, &self.fixes);
        let again = Document::split(&fixed).and_then(|document| Frontmatter::read(document.frontmatter));
        if again.is_ok_and(|again| again.syntax == Syntax::Yaml && again.says_the_same_as(&frontmatter)) {
            return Some(fixed);
        }
        // Lines that are right alone can still disturb each other. Written anew, none can.
        Some(format!("---\n{}---\n{}", frontmatter.to_yaml(), document.body))
    }
}

fn in_file(problem: Problem, path: Option<&Path>) -> Problem {
    match path {
        Some(path) => problem.in_file(path),
        None => problem,
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
