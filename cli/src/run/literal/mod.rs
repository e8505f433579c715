//! The Task tool as people know it from Claude Code's documents: `Task(subagent_type="a", prompt="p")`, with the
//! quotes and escapes of Python, any order of the keywords, `await`, an assignment before it, and
//! `asyncio.gather(Task(...), Task(...))` around several. Nothing else of Python is understood and nothing is
//! evaluated.

mod lexer;
mod parser;
mod string;

use serde_json::Value;

pub(super) use parser::parse;

/// One `Task(...)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Where it begins, in bytes.
    pub(super) offset: usize,
    /// Its arguments in the order in which they are written.
    pub(super) arguments: Vec<Argument>,
}

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    /// Its keyword; of an argument without one, the keyword that its place stands for.
    pub(super) name: String,
    /// Its value.
    pub(super) value: Value,
    /// Where it begins, in bytes.
    pub(super) offset: usize,
}

/// Why a text is no Task call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct LiteralError {
    /// What stands there and should not.
    pub(super) message: String,
    /// Where, in bytes.
    pub(super) offset: usize,
}

impl LiteralError {
    fn new(offset: usize, message: String) -> Self {
        Self { message, offset }
    }

    fn moved_by(self, bytes: usize) -> Self {
        Self { offset: self.offset + bytes, ..self }
    }
}

/// Whether a text means to be a Task call rather than the name of an agent.
pub(super) fn looks_like_call(text: &str) -> bool {
    let text = text.trim_start();
    let text = text.split_once('=').map_or(text, |(name, behind)| {
        if name.trim().chars().all(|c| c.is_alphanumeric() || c == '_') { behind.trim_start() } else { text }
    });
    let text = text.strip_prefix("await").map_or(text, str::trim_start);
    ["Task", "Agent", "asyncio.gather", "gather", "asyncio.run"]
        .iter()
        .any(|name| text.strip_prefix(name).is_some_and(|behind| behind.trim_start().starts_with('(')))
}

#[cfg(test)]
#[path = "literal_tests.rs"]
mod tests;
