//! What Anthropic's structured outputs accept of JSON schema.

use crate::schema::{Dialect, Objects, References};

/// Keywords that the server refuses.
const REFUSED: &[&str] = &[
    "oneOf",
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

/// Objects are closed; most constraints are refused.
pub(super) const DIALECT: Dialect = Dialect {
    refuses: |keyword| REFUSED.contains(&keyword),
    formats: &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"],
    min_items_max: 1,
    objects: Objects::Closed,
    references: References::Accompanied,
};

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
        assert_eq!(DIALECT.adapt(&schema), expected);
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
        assert_eq!(DIALECT.adapt(&schema), expected);
        assert_eq!(
            DIALECT.adapt(&json!({ "type": "string", "maxLength": 3 })),
            json!({ "type": "string", "description": "(maxLength: 3)" })
        );
    }
}
