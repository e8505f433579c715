//! What a call makes of a template: texts, and shell commands whose output is to stand in their place.

use std::fmt;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    parts: Vec<ExpansionPart>,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpansionPart {
    /// A text, as it stays.
    Text(String),
    /// A command line: its output stays.
    Command(String),
    /// A command that must not run.
    Unclear(UnclearCommand),
}

/// A command that does not run with these arguments: where one of them stands, nobody knows how to write it so that it
/// stays one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclearCommand {
    /// The command as it stands in the file.
    pub line: String,
    /// The place of the argument.
    pub place: String,
}

impl fmt::Display for UnclearCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, place } = self;
        write!(
            f,
            "`{line}` was not run: {place} stands where an argument of more than plain letters cannot be written safely. \
             Move it out of the here-document, the reckoning or the pattern, or put it into double quotes"
        )
    }
}

impl Expansion {
    /// The parts, in order; no two texts stand beside each other.
    pub fn parts(&self) -> &[ExpansionPart] {
        &self.parts
    }

    pub(super) fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(ExpansionPart::Text(last)) => last.push_str(text),
            Some(ExpansionPart::Command(_) | ExpansionPart::Unclear(_)) | None if text.is_empty() => {}
            Some(ExpansionPart::Command(_) | ExpansionPart::Unclear(_)) | None => {
                self.parts.push(ExpansionPart::Text(text.to_owned()));
            }
        }
    }

    pub(super) fn push_command(&mut self, line: String) {
        self.parts.push(ExpansionPart::Command(line));
    }

    pub(super) fn push_unclear(&mut self, command: UnclearCommand) {
        self.parts.push(ExpansionPart::Unclear(command));
    }
}
