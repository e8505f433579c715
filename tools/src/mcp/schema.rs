//! A tool's schema as it may be shown to a model.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::visible::visible;

/// Largest schema, in bytes of JSON.
const BYTES_MAX: usize = 64 << 10;
/// Values within each other; JSON itself is read no deeper than 128.
const DEPTH_MAX: usize = 64;

/// Makes hidden characters visible, and sees to it that the schema is one of an object.
///
/// # Errors
/// Why it cannot be shown: lower case, no full stop.
pub(super) fn shown(schema: &Map<String, Value>) -> Result<Box<RawValue>, String> {
    let mut shown = Map::new();
    for (key, value) in schema.iter().filter(|(key, _)| *key != "$schema") {
        shown.insert(visible(key).into_owned(), made_visible(value, DEPTH_MAX)?);
    }
    match shown.get("type") {
        Some(Value::String(kind)) if kind == "object" => {}
        None => {
            shown.insert("type".to_owned(), Value::from("object"));
        }
        Some(_) => return Err("its schema is not one of an object".to_owned()),
    }
    // Some providers refuse an object without a word about its properties.
    shown.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    let text = serde_json::to_string(&shown).map_err(|error| error.to_string())?;
    if text.len() > BYTES_MAX {
        return Err(format!("its schema is larger than {} KiB", BYTES_MAX >> 10));
    }
    RawValue::from_string(text).map_err(|error| error.to_string())
}

fn made_visible(value: &Value, depth_left: usize) -> Result<Value, String> {
    if depth_left == 0 {
        return Err(format!("its schema is more than {DEPTH_MAX} levels deep"));
    }
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(visible(text).into_owned()),
        Value::Array(items) => Value::Array(
            items.iter().map(|item| made_visible(item, depth_left - 1)).collect::<Result<_, _>>()?,
        ),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                Ok::<_, String>((visible(key).into_owned(), made_visible(value, depth_left - 1)?))
            });
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
    })
}

/// The one form of a value in which two that mean the same are the same: keys in order.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(schema: Value) -> Result<String, String> {
        let Value::Object(schema) = schema else { panic!("no object") };
        shown(&schema).map(|schema| schema.get().to_owned())
    }

    #[test]
    fn a_schema_is_one_of_an_object_and_hides_nothing() {
        assert_eq!(text(json!({})).unwrap(), r#"{"properties":{},"type":"object"}"#);
        let schema = json!({
            "$schema": "x",
            "type": "object",
            "properties": {"a\u{202e}": {"type": "string", "description": "b\u{e0041}\u{1b}[2J"}},
            "required": ["a\u{202e}"]
        });
        assert_eq!(
            text(schema).unwrap(),
            r#"{"properties":{"a\\u{202e}":{"description":"b\\u{e0041}\\u{1b}[2J","type":"string"}},"required":["a\\u{202e}"],"type":"object"}"#
        );
    }

    #[test]
    fn other_kinds_and_bombs_are_refused() {
        assert!(text(json!({"type": "string"})).unwrap_err().contains("not one of an object"));
        assert!(text(json!({"type": ["object", "null"]})).is_err());
        assert!(text(json!({"description": "x".repeat(BYTES_MAX)})).unwrap_err().contains("64 KiB"));
        let deep = (0..100).fold(json!({}), |inner, _| json!({"items": inner}));
        assert!(text(deep).unwrap_err().contains("levels deep"));
    }

    #[test]
    fn the_order_of_keys_makes_no_difference() {
        let read = |text: &str| canonical(&serde_json::from_str(text).unwrap());
        assert_eq!(
            read(r#"{"b": [1, {"d": "x", "c": null}], "a": true}"#),
            r#"{"a":true,"b":[1,{"c":null,"d":"x"}]}"#
        );
        assert_ne!(read(r#"{"a": "1"}"#), read(r#"{"a": 1}"#));
    }
}
