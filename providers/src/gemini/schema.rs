//! What Gemini's structured outputs accept of JSON schema.

use crate::schema::{Dialect, Objects, References};

/// Keywords that the server documents. `oneOf` means `anyOf` to it.
const ACCEPTED: &[&str] = &[
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
    // Of older drafts: references lead there.
    "definitions",
];

/// Most of JSON schema; a reference stands alone.
pub(super) const DIALECT: Dialect = Dialect {
    refuses: |keyword| !ACCEPTED.contains(&keyword),
    formats: &["date-time", "date", "time", "duration"],
    min_items_max: u64::MAX,
    objects: Objects::Unchanged,
    references: References::Alone,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_does_not_know_becomes_known_or_words_for_the_model() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid", "pattern": "^a", "description": "An id."},
                "kind": {"oneOf": [{"const": "bug"}, {"type": "null"}]},
                "author": {"$ref": "#/$defs/Author", "description": "Who wrote it."},
                "pair": {"type": "array", "prefixItems": [{"type": "string", "minLength": 1}], "minItems": 2},
                "map": {"type": "object", "additionalProperties": {"type": "integer", "multipleOf": 2}},
            },
            "required": ["id"],
            "$defs": {"Author": {"type": "object", "additionalProperties": false}},
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "An id. (format: \"uuid\", pattern: \"^a\")"},
                "kind": {"anyOf": [{"enum": ["bug"]}, {"type": "null"}]},
                "author": {"anyOf": [{"$ref": "#/$defs/Author"}], "description": "Who wrote it."},
                "pair": {
                    "type": "array",
                    "prefixItems": [{"type": "string", "description": "(minLength: 1)"}],
                    "minItems": 2,
                },
                "map": {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "description": "(multipleOf: 2)"},
                },
            },
            "required": ["id"],
            "$defs": {"Author": {"type": "object", "additionalProperties": false}},
        });
        assert_eq!(DIALECT.adapt(&schema), expected);
    }
}
