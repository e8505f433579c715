//! What ends the command before it has done its work.

use std::path::Path;

use codex_task::StartError;
use codex_task_config::Problem;

use crate::exit::Exit;
use crate::render::clean::one_line;
use crate::render::{FourLines, Snippet, Terminal};

/// A failure of the command itself; failures of tasks are in their reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    lines: Box<FourLines>,
    /// The place in a text, where the failure has one.
    snippet: Option<Box<Snippet>>,
    exit: Exit,
}

impl Fault {
    /// A failure that the user can mend.
    pub(crate) fn new(error: impl Into<String>) -> Self {
        let lines = FourLines { error: error.into(), ..FourLines::default() };
        Self { lines: Box::new(lines), snippet: None, exit: Exit::Failure }
    }

    /// A failure that only we can mend.
    pub(crate) fn internal(error: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, ..Self::new(error) }
            .suggest("this is a bug: please report it with the log of `--log debug`")
    }

    /// Says why.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.lines.cause = Some(cause.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.lines.suggestion = Some(suggestion.into());
        self
    }

    /// Says what works instead.
    #[must_use]
    pub(crate) fn fall_back(mut self, fallback: impl Into<String>) -> Self {
        self.lines.fallback = Some(fallback.into());
        self
    }

    /// Says what a program has said last, where nothing better is known about the cause.
    #[must_use]
    pub(crate) fn saying(mut self, words: &str) -> Self {
        let told = match one_line(words) {
            words if words.is_empty() => "it said nothing".to_owned(),
            words => format!("it said: {words}"),
        };
        self.lines.cause.get_or_insert(told);
        self
    }

    /// Shows the place.
    #[must_use]
    pub(crate) fn shown_in(mut self, snippet: Snippet) -> Self {
        self.snippet = Some(Box::new(snippet));
        self
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(what: &str, path: &Path, error: &std::io::Error) -> Self {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => {
                "check the permissions of the file and of its directories"
            }
            _ => "check that the path is what you mean",
        };
        Self::new(format!("{what} '{}'", path.display())).because(error.to_string()).suggest(help)
    }

    /// A problem of a file that was read from `text`.
    pub(crate) fn of_problem(error: impl Into<String>, problem: &Problem, name: &str, text: &str) -> Self {
        let fault = Self::new(error).because(place_and_message(problem, name));
        let fault = match problem.help.as_deref().or(problem.fixed_line.as_deref()) {
            Some(help) => fault.suggest(help),
            None if problem.position.is_none() => fault.suggest(format!("correct {name}")),
            None => fault.suggest(format!("correct {name} there")),
        };
        match problem.position {
            Some(position) => {
                fault.shown_in(Snippet { name: name.to_owned(), text: text.to_owned(), position })
            }
            None => fault,
        }
    }

    /// Tells the user, and how the command ends.
    pub(crate) fn report(&self, terminal: &mut Terminal) -> Exit {
        self.lines.print(&mut terminal.err);
        if let Some(snippet) = &self.snippet {
            snippet.print_err(terminal);
        }
        self.exit
    }
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Self {
        Self::new("the runtime could not start").because(error.to_string()).suggest(error.help())
    }
}

/// `tasks.yaml:3:5: message`
pub(crate) fn place_and_message(problem: &Problem, name: &str) -> String {
    match problem.position {
        Some(at) => format!("{name}:{}:{}: {}", at.line, at.column, problem.message),
        None => format!("{name}: {}", problem.message),
    }
}
