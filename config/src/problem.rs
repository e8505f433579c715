//! What is wrong with a file, where, and what the line should be: one type for agents, settings and rules.

use std::path::PathBuf;

use serde::Serialize;

use crate::RuleOrigin;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing changes by it (e.g. a key that is not used yet).
    Note,
    /// Loads, but differently from what the author may expect.
    Warning,
    /// Does not load, or loads without the part named.
    Error,
}

/// A place in a file. Lines and columns begin at 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Line in the file, the opening `---` of a frontmatter is line 1.
    pub line: usize,
    /// Column of the first character concerned.
    pub column: usize,
    /// Number of characters concerned, at least 1.
    pub length: usize,
}

/// One finding about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, never file contents that may be secret.
    pub message: String,
    /// The file, where it came from one.
    pub path: Option<PathBuf>,
    /// The place in the file, where it is known.
    pub position: Option<Position>,
    /// What to do about it, e.g. `did you mean 'Read'?`.
    pub help: Option<String>,
    /// The line as it should be written, where we know it.
    pub fixed_line: Option<String>,
}

impl Problem {
    /// A problem without a place; add the rest with the `at`, `in_file`, `with_help` and `with_fix` methods.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, message: message.into(), path: None, position: None, help: None, fixed_line: None }
    }

    /// An [`Severity::Error`].
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A [`Severity::Warning`].
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A [`Severity::Note`].
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    /// Sets the place.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize, length: usize) -> Self {
        self.position = Some(Position { line, column, length: length.max(1) });
        self
    }

    /// Sets the place, where there is one.
    #[must_use]
    pub fn placed(self, at: Option<Position>) -> Self {
        match at {
            Some(at) => self.at(at.line, at.column, at.length),
            None => self,
        }
    }

    /// Sets the file and the place in it that a rule or a hook comes from, as far as they are known.
    #[must_use]
    pub fn from_origin(self, origin: &RuleOrigin) -> Self {
        let placed = self.placed(origin.position);
        match &origin.path {
            Some(path) => placed.in_file(path.as_ref()),
            None => placed,
        }
    }

    /// Sets the file.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a name that was probably meant, where there is one.
    #[must_use]
    pub fn did_you_mean(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.with_help(format!("did you mean '{name}'?")),
            None => self,
        }
    }

    /// Sets the corrected line.
    #[must_use]
    pub fn with_fix(mut self, line: impl Into<String>) -> Self {
        self.fixed_line = Some(line.into());
        self
    }
}
