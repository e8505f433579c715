//! A call's arguments, read field by field: every mistake is collected and told in Claude Code's words, unknown keys
//! are passed over, `null` is as good as absent.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The arguments of one call.
pub(super) struct Fields<'a> {
    tool: &'a str,
    object: Option<&'a Map<String, Value>>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl<'a> Fields<'a> {
    /// The arguments of a call of `tool`; anything but an object has no fields.
    pub(super) fn new(tool: &'a str, arguments: &'a Value) -> Self {
        Self { tool, object: arguments.as_object(), missing: Vec::new(), wrong: Vec::new() }
    }

    /// A text that must be there; empty when it is not, which [`Fields::check`] reports.
    pub(super) fn required_text(&mut self, name: &str) -> String {
        match self.object.and_then(|object| object.get(name)) {
            None => {
                self.missing.push(format!("The required parameter `{name}` is missing"));
                String::new()
            }
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                self.wrong_type(name, "string", other);
                String::new()
            }
        }
    }

    /// A text that may be left out.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        self.read(name, "string", Value::as_str)
    }

    /// A yes or no that may be left out.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "boolean", Value::as_bool)
    }

    /// A number that may be left out.
    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        self.read(name, "number", Value::as_f64)
    }

    /// A word of a list that may be left out.
    pub(super) fn word<T>(
        &mut self,
        name: &str,
        words: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let word = parse(text);
        if word.is_none() {
            let expected: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let expected = expected.join(" | ");
            self.wrong
                .push(format!("The parameter `{name}` is expected as {expected} but provided as `{text}`"));
        }
        word
    }

    /// What was wrong, as the model reads it.
    ///
    /// # Errors
    /// That text, if anything was wrong.
    pub(super) fn check(self) -> Result<(), String> {
        let mistakes: Vec<String> = self.missing.into_iter().chain(self.wrong).collect();
        if mistakes.is_empty() {
            return Ok(());
        }
        let noun = if mistakes.len() == 1 { "issue" } else { "issues" };
        let mut text = format!("InputValidationError: {} failed due to the following {noun}:", self.tool);
        for mistake in mistakes {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{mistake}");
        }
        Err(format!("<tool_use_error>{text}</tool_use_error>"))
    }

    fn read<T>(&mut self, name: &str, kind: &str, as_kind: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.object?.get(name).filter(|value| !value.is_null())?;
        let read = as_kind(value);
        if read.is_none() {
            self.wrong_type(name, kind, value);
        }
        read
    }

    fn wrong_type(&mut self, name: &str, expected: &str, provided: &Value) {
        let provided = kind(provided);
        self.wrong.push(format!(
            "The parameter `{name}` type is expected as `{expected}` but provided as `{provided}`"
        ));
    }
}

/// JavaScript's name for a value's type, which Claude Code uses.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
