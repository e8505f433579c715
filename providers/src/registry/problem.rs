//! Why a provider that somebody configured is not there.

use std::fmt;

use codex_task_config::{Problem, ProviderName};

/// A provider that settings or environment name and that cannot be used. Never shows a key, a header or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderProblem {
    /// Its name.
    pub name: ProviderName,
    /// What is wrong: lower case, no full stop.
    pub reason: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for ProviderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "provider '{}' cannot be used: {}", self.name, self.reason)
    }
}

impl From<&ProviderProblem> for Problem {
    fn from(problem: &ProviderProblem) -> Self {
        Self::error(problem.to_string()).with_help(&problem.help)
    }
}
