//! A command line in parts.

/// A command line that was understood as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParsedCommand {
    /// The simple commands in order; at least one.
    pub(crate) commands: Vec<SimpleCommand>,
}

/// What stands between a simple command and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Separator {
    /// Nothing: it is the first.
    First,
    /// `;` or a line break.
    Sequence,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|` or `|&`.
    Pipe,
    /// `&`: the one before runs in the background.
    Background,
}

/// One program call: assignments, words, redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SimpleCommand {
    /// What stands before it.
    pub(crate) after: Separator,
    /// `NAME=value` before the program; without words they change the shell itself.
    pub(crate) assignments: Vec<Assignment>,
    /// The program and its arguments after quote removal.
    pub(crate) words: Vec<Word>,
    /// Files that are read or written; duplications of descriptors and `/dev/null` are left out.
    pub(crate) redirections: Vec<Redirection>,
    /// The part as it was written.
    pub(crate) text: String,
}

impl SimpleCommand {
    /// The program as a literal, when it is known without running anything.
    pub(crate) fn program(&self) -> Option<&str> {
        self.words.first().filter(|word| word.is_literal()).map(|word| word.text.as_str())
    }

    /// The words after the program.
    pub(crate) fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }
}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The variable.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: Word,
}

/// One word after quote removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text; where a variable stands, its name as written.
    pub(crate) text: String,
    /// What the shell puts in.
    pub(crate) expansion: Expansion,
    /// Whether an unquoted `*`, `?` or `[` makes the shell put file names here.
    pub(crate) has_glob: bool,
}

impl Word {
    /// Whether the program sees exactly this text.
    pub(crate) fn is_literal(&self) -> bool {
        self.expansion == Expansion::None && !self.has_glob
    }

    /// Whether a variable decides about the text, or a part of it.
    pub(crate) fn has_variable(&self) -> bool {
        self.expansion != Expansion::None
    }
}

/// How much of a word the shell decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Expansion {
    /// Nothing.
    #[default]
    None,
    /// A number: `$?`.
    Status,
    /// Anything, also several words: `$NAME`.
    Variable,
}

/// Which way a redirection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// `<`.
    Read,
    /// `>`, `>>`, `>|`, `&>`, `&>>`, `>&` with a file.
    Write,
}

/// A file that the shell opens for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirection {
    /// Which way.
    pub(crate) direction: Direction,
    /// The file.
    pub(crate) target: Word,
}
