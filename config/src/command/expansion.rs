//! What a call makes of a template: texts, and shell commands whose output is to stand in their place.

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
}

impl Expansion {
    /// The parts, in order; no two texts stand beside each other.
    pub fn parts(&self) -> &[ExpansionPart] {
        &self.parts
    }

    pub(super) fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(ExpansionPart::Text(last)) => last.push_str(text),
            Some(ExpansionPart::Command(_)) | None if text.is_empty() => {}
            Some(ExpansionPart::Command(_)) | None => self.parts.push(ExpansionPart::Text(text.to_owned())),
        }
    }

    pub(super) fn push_command(&mut self, line: String) {
        self.parts.push(ExpansionPart::Command(line));
    }
}
