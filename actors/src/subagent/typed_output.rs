//! Local validation of typed results: providers promise a schema, we check it.

use codex_task_providers::OutputSchema;
use serde_json::Value;

/// Errors listed at most: a model needs the first few.
const ERRORS_LISTED: usize = 5;

/// Says why no answer could follow a schema, if none could.
pub(crate) fn fault_of(output: &OutputSchema) -> Option<String> {
    jsonschema::validator_for(&output.schema).err().map(|error| {
        let text = error.to_string();
        format!("{text} at {}", place(&error.instance_path().to_string()))
    })
}

/// Checks an answer against a schema.
///
/// # Errors
/// What does not follow, in words that a model can act on.
pub(crate) fn check(answer: &str, output: &OutputSchema) -> Result<(), String> {
    let value: Value = serde_json::from_str(json_text(answer)).map_err(|e| format!("not JSON: {e}"))?;
    let validator =
        jsonschema::validator_for(&output.schema).map_err(|e| format!("the schema itself is wrong: {e}"))?;
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .take(ERRORS_LISTED)
        .map(|error| format!("{} at {}", error, place(&error.instance_path().to_string())))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

/// The JSON within an answer: models without structured output like to fence it.
pub(crate) fn json_text(answer: &str) -> &str {
    let text = answer.trim();
    let fenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    fenced.and_then(|rest| rest.strip_suffix("```")).unwrap_or(text).trim()
}

fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the top level" } else { pointer }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_nothing_can_follow_is_known_before_anybody_is_asked() {
        let fault = |schema: Value| fault_of(&OutputSchema { name: "x".into(), schema: schema.into() });
        assert_eq!(fault(json!({"type": "object"})), None);
        assert!(fault(json!({"type": 5})).is_some_and(|reason| reason.ends_with("/type")));
    }

    #[test]
    fn wrong_answers_are_told_what_and_where() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        let output = OutputSchema { name: "x".into(), schema: schema.into() };
        assert_eq!(check("```json\n{\"n\": 1}\n```", &output), Ok(()));
        let error = check(r#"{"n": "one"}"#, &output).expect_err("a string is no integer");
        assert!(error.contains("\"one\"") && error.contains("/n"), "{error}");
        assert!(check("no json", &output).expect_err("prose").starts_with("not JSON"));
    }
}
