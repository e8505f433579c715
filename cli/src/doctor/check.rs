//! What a check of the doctor comes to.

use codex_task::Environment;
use codex_task_config::Problem;
use serde::Serialize;

use crate::fault::place_and_message;
use crate::render::{Mark, Terminal, sentence, shown_path};

/// One line of the doctor, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) name: String,
    pub(super) status: Status,
    /// What was found.
    pub(super) message: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// Not there, and not needed.
    Note,
    /// Works, and yet should be looked at.
    Warning,
    /// Does not work.
    Error,
}

impl Check {
    pub(super) fn new(name: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        Self { name: name.into(), status, message: message.into(), remedy: None }
    }

    pub(super) fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, message)
    }

    /// A problem with its place, and with its help as the remedy.
    pub(super) fn of_problem(
        name: &str,
        status: Status,
        problem: &Problem,
        environment: &Environment,
    ) -> Self {
        let path = problem.path.as_deref().map(|path| shown_path(path, environment)).unwrap_or_default();
        let check = Self::new(name, status, place_and_message(problem, &path));
        match &problem.help {
            Some(help) => check.remedy(help),
            None => check,
        }
    }

    #[must_use]
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Writes the line to stdout.
    pub(super) fn print(&self, terminal: &mut Terminal) {
        let mark = match self.status {
            Status::Ok => Mark::Good,
            Status::Note => Mark::Neutral,
            Status::Warning => Mark::Doubtful,
            Status::Error => Mark::Bad,
        };
        terminal.mark(mark, &format!("{}: {}", self.name, self.message));
        if let Some(remedy) = &self.remedy {
            terminal.detail(&sentence(remedy));
        }
    }
}
