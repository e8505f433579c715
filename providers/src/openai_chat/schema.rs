//! Structured output: as the server's own feature where that leaves tools usable, else as words for the model.

use serde_json::Value;

use super::lessons::Lessons;
use super::wire::{JsonSchema, ResponseFormat};
use crate::{ChatDialect, ChatRequest, OutputSchema};

/// How the model is told which form its answer must have.
#[derive(Debug)]
pub(super) enum AnswerForm<'a> {
    /// Any.
    Free,
    /// By `response_format`.
    Format(ResponseFormat<'a>),
    /// By a paragraph of the system prompt.
    Words(String),
}

/// Chooses the way. Servers other than OpenAI's constrain every answer to the schema from its first token on, so that
/// no tool can be called any more: while tools are offered, the schema is explained instead.
pub(super) fn answer_form(request: &ChatRequest, dialect: ChatDialect, lessons: Lessons) -> AnswerForm<'_> {
    let Some(output) = &request.output else { return AnswerForm::Free };
    let is_usable = request.tools.is_empty() || dialect == ChatDialect::OpenAi;
    if is_usable && !lessons.without_response_format {
        AnswerForm::Format(ResponseFormat::JsonSchema { json_schema: json_schema(output) })
    } else {
        AnswerForm::Words(format!(
            "Your final answer must be one JSON value that follows this JSON schema, without any text or code fence \
             around it:\n{}",
            output.schema
        ))
    }
}

fn json_schema(output: &OutputSchema) -> JsonSchema<'_> {
    JsonSchema { name: &output.name, schema: &output.schema, strict: is_strict(&output.schema) }
}

/// Whether OpenAI would take the schema as strict: every object is closed and requires all of its properties. A schema
/// that is not is still sent, as a hint; the answer is validated by whoever asked for it.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => {
            let properties = object.get("properties").and_then(Value::as_object);
            let is_object = properties.is_some() || object.get("type").is_some_and(|kind| kind == "object");
            let required = object.get("required").and_then(Value::as_array);
            let is_required = |name: &String| required.is_some_and(|all| all.iter().any(|r| r == name));
            let is_closed = object.get("additionalProperties") == Some(&Value::Bool(false))
                && properties.is_none_or(|properties| properties.keys().all(is_required));
            (!is_object || is_closed) && object.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_closed_schema_with_all_properties_required_is_strict() {
        let item = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
        let list = |item: &Value| json!({"type": "array", "items": item});
        assert!(is_strict(&list(&item)));
        assert!(is_strict(&json!({"type": "string", "enum": ["object"]})));
        for (key, value) in [("required", json!([])), ("additionalProperties", json!(true))] {
            let mut open = item.clone();
            open[key] = value;
            assert!(!is_strict(&list(&open)), "{open}");
        }
    }
}
