//! A JSON schema in the form that structured outputs accept: the caller's answer is validated against the original.

use serde_json::{Map, Value};

/// Keywords with subschemas by name.
const NAMED_SUBSCHEMAS: &[&str] = &["properties", "$defs", "definitions"];
/// Keywords that the server refuses. They move into the description, where the model still reads them.
const REFUSED_CONSTRAINTS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];
/// String formats that the server knows.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// A copy in which objects are closed and refused keywords are words of the description.
pub(super) fn strict_copy(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => Value::Object(strict_object(object)),
        other => other.clone(),
    }
}

fn strict_object(object: &Map<String, Value>) -> Map<String, Value> {
    let mut strict = Map::new();
    let mut constraints = Vec::new();
    for (key, value) in object {
        match key.as_str() {
            "$schema" => {}
            "oneOf" => {
                strict.insert("anyOf".to_owned(), each(value));
            }
            "anyOf" | "allOf" | "prefixItems" => {
                strict.insert(key.clone(), each(value));
            }
            "items" => {
                strict.insert(key.clone(), strict_copy(value));
            }
            name if NAMED_SUBSCHEMAS.contains(&name) => {
                strict.insert(key.clone(), each_named(value));
            }
            "format" if !value.as_str().is_some_and(|format| FORMATS.contains(&format)) => {
                constraints.push(format!("{key}: {value}"));
            }
            "minItems" if value.as_u64().is_none_or(|items| items > 1) => {
                constraints.push(format!("{key}: {value}"));
            }
            name if REFUSED_CONSTRAINTS.contains(&name) => constraints.push(format!("{key}: {value}")),
            _ => {
                strict.insert(key.clone(), value.clone());
            }
        }
    }
    close(&mut strict);
    describe(&mut strict, &constraints);
    strict
}

/// The server demands closed objects. A map, whose values have a schema of their own, stays as it is: closed it could
/// only be empty, and the server's refusal says more than an empty answer.
fn close(schema: &mut Map<String, Value>) {
    let is_object = schema.get("type").is_some_and(|kind| {
        kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
    });
    let is_map = schema.get("additionalProperties").is_some_and(Value::is_object);
    if (is_object || schema.contains_key("properties")) && !is_map {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn describe(schema: &mut Map<String, Value>, constraints: &[String]) {
    if constraints.is_empty() {
        return;
    }
    let constraints = format!("({})", constraints.join(", "));
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description} {constraints}"),
        None => constraints,
    };
    schema.insert("description".to_owned(), Value::String(description));
}

fn each(schemas: &Value) -> Value {
    match schemas {
        Value::Array(items) => Value::Array(items.iter().map(strict_copy).collect()),
        other => other.clone(),
    }
}

fn each_named(schemas: &Value) -> Value {
    match schemas {
        Value::Object(named) => {
            Value::Object(named.iter().map(|(name, schema)| (name.clone(), strict_copy(schema))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_closed_at_every_depth_and_the_original_is_untouched() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "format": { "type": "string", "format": "date" },
                "items": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/Item" } },
                "either": { "oneOf": [{ "type": ["object", "null"], "properties": {} }, { "type": "string" }] },
                "map": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "$defs": { "Item": { "type": "object", "additionalProperties": true } },
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "format": { "type": "string", "format": "date" },
                "items": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/Item" } },
                "either": { "anyOf": [
                    { "type": ["object", "null"], "properties": {}, "additionalProperties": false },
                    { "type": "string" },
                ] },
                "map": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "$defs": { "Item": { "type": "object", "additionalProperties": false } },
            "additionalProperties": false,
        });
        assert_eq!(strict_copy(&schema), expected);
        assert_eq!(schema["$defs"]["Item"]["additionalProperties"], true);
    }

    #[test]
    fn refused_constraints_become_words_for_the_model() {
        let schema = json!({
            "type": "integer", "format": "uint32", "minimum": 0, "maximum": 9, "description": "A score.",
        });
        let expected = json!({
            "type": "integer", "description": "A score. (format: \"uint32\", maximum: 9, minimum: 0)",
        });
        assert_eq!(strict_copy(&schema), expected);
        assert_eq!(
            strict_copy(&json!({ "type": "string", "maxLength": 3 })),
            json!({ "type": "string", "description": "(maxLength: 3)" })
        );
    }
}
