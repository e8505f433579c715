//! A value of frontmatter or JSON as it stands, before anything is expected of it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value. Keys keep their order; numbers keep `.inf` and `.nan`, so that they can be refused by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing: `key:`, `~`, `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// A text, quoted or not.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Keys and their values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What it is, for messages: `a number`, `a list`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// Its text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl From<&Value> for serde_json::Value {
    /// The same in JSON, which has no number for `.inf` and `.nan`: they are nothing there.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => {
                // Whole numbers stay whole, so that they are written as they were.
                let text = number.to_string();
                text.parse::<i64>().map_or_else(|_| Self::from(*number), Self::from)
            }
            Value::Text(text) => Self::String(text.clone()),
            Value::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Map(entries) => {
                Self::Object(entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false, a list or a mapping with texts as keys")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "no key has a meaning for integers beyond 2^53")]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no key has a meaning for integers beyond 2^53")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map: Vec<(String, Value)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            // YAML's are found with their place before; these are JSON's.
            if map.iter().any(|(known, _)| *known == key) {
                return Err(de::Error::custom(format_args!("'{key}' stands twice")));
            }
            map.push((key, entries.next_value()?));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn numbers_that_json_cannot_hold_are_kept() {
        let read = |text| yaml::parse::<Value>(text, yaml::Limits::FRONTMATTER).expect(text).value;
        assert_eq!(
            read("a: .inf\nb: 3\nc: -0.5\nd: ~\ne: 'no'\nf: no\n"),
            Value::Map(vec![
                ("a".into(), Value::Number(f64::INFINITY)),
                ("b".into(), Value::Number(3.0)),
                ("c".into(), Value::Number(-0.5)),
                ("d".into(), Value::Null),
                ("e".into(), Value::Text("no".into())),
                ("f".into(), Value::Text("no".into())),
            ])
        );
    }

    #[test]
    fn a_json_key_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Value>(r#"{"a": 1, "b": {"x": 1, "x": 2}}"#).expect_err("twice");
        assert!(error.to_string().starts_with("'x' stands twice"), "{error}");
    }
}
