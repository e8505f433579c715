//! Argument schemas: closed objects whose text never changes, since it is part of the cached beginning of a request.

use std::fmt::Write as _;

use codex_task_config::ToolName;
use serde_json::value::RawValue;

use crate::ToolDefinition;

/// What an argument may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Boolean,
    /// A whole number from this one on.
    WholeFrom(u8),
    /// One of these words.
    OneOf(&'static [&'static str]),
    Texts,
    /// A text that says something.
    Words,
}

/// A schema under construction; arguments stand in the order in which they are added.
#[derive(Debug, Default)]
pub(super) struct Schema {
    properties: String,
    required: Vec<&'static str>,
}

impl Schema {
    /// Adds an argument that every call must have.
    pub(super) fn required(mut self, name: &'static str, kind: Kind, description: &str) -> Self {
        self.required.push(name);
        self.optional(name, kind, description)
    }

    /// Adds an argument that a call may leave out.
    pub(super) fn optional(mut self, name: &'static str, kind: Kind, description: &str) -> Self {
        let shape = match kind {
            Kind::Text => r#""type":"string""#.to_owned(),
            Kind::Boolean => r#""type":"boolean""#.to_owned(),
            Kind::WholeFrom(least) => format!(r#""type":"integer","minimum":{least}"#),
            Kind::OneOf(words) => format!(r#""type":"string","enum":{}"#, list(words)),
            Kind::Words => r#""type":"string","minLength":1"#.to_owned(),
            Kind::Texts => r#""type":"array","items":{"type":"string"}"#.to_owned(),
        };
        self.property(name, &shape, description);
        self
    }

    /// Adds a list of objects, of which every call must have at least `least`.
    pub(super) fn required_list(
        mut self,
        name: &'static str,
        least: usize,
        items: &Self,
        description: &str,
    ) -> Self {
        self.required.push(name);
        let items = items.object();
        self.property(name, &format!(r#""type":"array","minItems":{least},"items":{items}"#), description);
        self
    }

    /// The definition of a tool that takes these arguments and no others.
    pub(super) fn define(&self, name: &str, description: &str) -> ToolDefinition {
        let schema = RawValue::from_string(self.object());
        debug_assert!(schema.is_ok(), "the schema of {name} is no JSON");
        ToolDefinition {
            name: ToolName::new(name),
            description: description.into(),
            input_schema: schema.unwrap_or_else(|_| RawValue::NULL.to_owned()).into(),
        }
    }

    fn property(&mut self, name: &'static str, shape: &str, description: &str) {
        let comma = if self.properties.is_empty() { "" } else { "," };
        let description = quoted(description);
        let written = write!(self.properties, r#"{comma}"{name}":{{{shape},"description":{description}}}"#);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }

    /// An object with these arguments and no others.
    fn object(&self) -> String {
        let (properties, required) = (&self.properties, list(&self.required));
        format!(
            r#"{{"type":"object","properties":{{{properties}}},"required":{required},"additionalProperties":false}}"#
        )
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_schema_keeps_the_order_of_its_arguments() {
        let definition = Schema::default()
            .required("path", Kind::Text, "a \"path\"")
            .optional("limit", Kind::WholeFrom(1), "lines")
            .optional("mode", Kind::OneOf(&["a", "b"]), "how")
            .optional("ignore", Kind::Texts, "globs")
            .optional("all", Kind::Boolean, "every one")
            .define("T", "does");
        assert_eq!(
            definition.input_schema.get(),
            concat!(
                r#"{"type":"object","properties":{"path":{"type":"string","description":"a \"path\""},"#,
                r#""limit":{"type":"integer","minimum":1,"description":"lines"},"#,
                r#""mode":{"type":"string","enum":["a","b"],"description":"how"},"#,
                r#""ignore":{"type":"array","items":{"type":"string"},"description":"globs"},"#,
                r#""all":{"type":"boolean","description":"every one"}},"#,
                r#""required":["path"],"additionalProperties":false}"#,
            )
        );
    }
}
