//! What OpenAI's structured outputs accept of JSON schema.

use serde_json::Value;

use crate::schema::{Dialect, Objects, References, names_object};

/// Keywords of strict mode. It refuses a schema with any other.
const ACCEPTED: &[&str] = &[
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "$ref",
    "$defs",
    "definitions",
    "enum",
    "const",
    "title",
    "description",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
];

const DIALECT: Dialect = Dialect {
    refuses: |keyword| !ACCEPTED.contains(&keyword),
    formats: &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"],
    min_items_max: u64::MAX,
    objects: Objects::Complete,
    references: References::Alone,
};

/// How a schema can be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SchemaForm {
    /// In this form the server holds the model to it.
    Strict(Value),
    /// As it is: the server only shows it to the model.
    Loose,
    /// Not at all: the server takes nothing but objects at the root.
    None,
}

/// Finds the best form for a schema.
pub(crate) fn form_of(schema: &Value) -> SchemaForm {
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    if !is_object || schema.get("anyOf").is_some() {
        return SchemaForm::None;
    }
    let adapted = DIALECT.adapt(schema);
    if is_strict(&adapted) { SchemaForm::Strict(adapted) } else { SchemaForm::Loose }
}

/// Whether strict mode takes an adapted schema: every value has a form, arrays say what is in them, and no object is
/// a map.
fn is_strict(schema: &Value) -> bool {
    let Some(object) = schema.as_object() else { return false };
    let has_form = ["type", "enum", "const", "anyOf", "$ref"].iter().any(|key| object.contains_key(*key));
    let kind = object.get("type");
    let is_array = kind.is_some_and(|kind| kind == "array")
        || kind.and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|kind| kind == "array"));
    let is_open = kind.is_some_and(names_object) && object.get("additionalProperties") != Some(&false.into());
    let named = ["properties", "$defs", "definitions"].iter().filter_map(|key| object.get(*key)?.as_object());
    let alternatives = object.get("anyOf").and_then(Value::as_array);
    has_form
        && !is_open
        && (!is_array || object.contains_key("items"))
        && object.get("items").is_none_or(is_strict)
        && alternatives.is_none_or(|schemas| schemas.iter().all(is_strict))
        && named.flat_map(|schemas| schemas.values()).all(is_strict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(properties: &Value) -> Value {
        json!({"type": "object", "properties": properties})
    }

    #[test]
    fn a_schema_becomes_strict_with_every_property_required() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Review",
            "type": "object",
            "properties": {
                "score": {"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255},
                "notes": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": []},
                "author": {"$ref": "#/$defs/Author", "description": "Who wrote it."},
                "kind": {"oneOf": [{"const": "bug"}, {"type": "null"}]},
                "wrapped": {"allOf": [{"$ref": "#/$defs/Author"}]},
            },
            "required": ["score"],
            "$defs": {"Author": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}},
        });
        let expected = json!({
            "title": "Review",
            "type": "object",
            "properties": {
                "score": {"type": "integer", "minimum": 0, "maximum": 255, "description": "(format: \"uint8\")"},
                "notes": {
                    "type": "array",
                    "items": {"type": "string", "description": "(minLength: 1)"},
                    "description": "(default: [])",
                },
                "author": {"anyOf": [{"$ref": "#/$defs/Author"}], "description": "Who wrote it."},
                "kind": {"anyOf": [{"const": "bug"}, {"type": "null"}]},
                "wrapped": {"anyOf": [{"$ref": "#/$defs/Author"}]},
            },
            "required": ["author", "kind", "notes", "score", "wrapped"],
            "additionalProperties": false,
            "$defs": {"Author": {
                "type": "object",
                "properties": {"name": {"type": ["string", "null"]}},
                "required": ["name"],
                "additionalProperties": false,
            }},
        });
        assert_eq!(form_of(&schema), SchemaForm::Strict(expected));
    }

    #[test]
    fn what_strict_mode_cannot_express_is_sent_as_it_is() {
        let inexpressible = [
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}}),
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}),
            json!({"allOf": [{"type": "string"}, {"minLength": 2}]}),
            json!({"description": "anything"}),
            json!(true),
        ];
        for schema in inexpressible {
            assert_eq!(form_of(&object(&json!({"x": schema}))), SchemaForm::Loose, "{schema}");
            let nested = object(&json!({"list": {"type": "array", "items": schema}}));
            assert_eq!(form_of(&nested), SchemaForm::Loose, "{schema}");
        }
    }

    #[test]
    fn only_an_object_may_stand_at_the_root() {
        let roots = [
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"anyOf": [{"type": "object"}]}),
            json!({"$ref": "#/$defs/X"}),
            json!(true),
        ];
        for root in roots {
            assert_eq!(form_of(&root), SchemaForm::None, "{root}");
        }
    }
}
