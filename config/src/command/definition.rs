//! A slash command, read.

use std::path::PathBuf;

use serde::Serialize;

use super::Template;
use crate::ModelChoice;

/// Where a command comes from, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandSource {
    /// Carried by the program.
    BuiltIn,
    /// `~/.claude/commands`.
    User,
    /// `.claude/commands` between the working directory and the repository's root.
    Project,
}

/// Who carries a command out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Orchestration {
    /// The main agent: the expanded body is its task.
    #[default]
    MainAgent,
    /// Several agents independently, then a judge: the expanded body is their question. Ours; Claude Code has no such
    /// key.
    Consensus {
        /// The agents; none for the usual ones.
        agents: Vec<String>,
    },
}

/// A command that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandDefinition {
    /// Its name without the slash: folders and file, with colons between them.
    pub name: String,
    /// What it does, for people and models; of a file that does not say, the first line of its body.
    pub description: String,
    /// What its arguments are, for people.
    pub argument_hint: Option<String>,
    /// The model that it asks for.
    pub model: ModelChoice,
    /// Rules that allow calls while it runs, e.g. `Bash(git status:*)`.
    pub allowed_tools: Vec<String>,
    /// Whether it is for people alone.
    pub is_for_people_only: bool,
    /// Its body.
    pub template: Template,
    /// Who carries it out.
    pub orchestration: Orchestration,
    /// Where it comes from.
    pub source: CommandSource,
    /// Its file, where it has one.
    pub path: Option<PathBuf>,
}
