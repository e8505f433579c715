//! Arguments that have passed the schema, as types.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::ToolError;

/// Reads the arguments of a call.
///
/// # Errors
/// [`ToolError::Input`] when they do not fit, which the schema has ruled out for calls through a tool set.
pub(super) fn typed<T: DeserializeOwned>(tool: &str, arguments: &Value) -> Result<T, ToolError> {
    T::deserialize(arguments).map_err(|error| {
        ToolError::Input(format!("InputValidationError: {tool} failed due to the following issue:\n{error}"))
    })
}

/// A whole number, also when it is written as `5.0`: JSON schema counts that as an integer.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Number::deserialize(deserializer)?;
    if let Some(whole) = number.as_u64() {
        return Ok(Some(whole));
    }
    // Without a fraction the text before the point is the number, unless it has an exponent.
    let text = number.as_f64().map(|float| format!("{float:.1}")).unwrap_or_default();
    let whole = text.strip_suffix(".0").and_then(|digits| digits.parse().ok());
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number in range")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "whole")]
        limit: Option<u64>,
    }

    #[test]
    fn whole_numbers_count_however_they_are_written() {
        for (value, expected) in [(json!(5), 5), (json!(5.0), 5), (json!(1e3), 1000), (json!(0), 0)] {
            let probe: Probe = typed("T", &json!({ "limit": value })).unwrap();
            assert_eq!(probe.limit, Some(expected), "{value}");
        }
        assert_eq!(typed::<Probe>("T", &json!({})).unwrap().limit, None);
        for value in [json!(-1), json!(1.5), json!("5")] {
            assert!(typed::<Probe>("T", &json!({ "limit": value })).is_err(), "{value}");
        }
    }
}
