//! Reading typed values out of fields. A wrong value of an optional key is a warning, and the key is ignored.

use super::ToolPattern;
use super::field::Field;
use super::value::Value;
use crate::Problem;

/// The fields of one agent, and what is found wrong with their values.
pub(crate) struct Keyed<'a> {
    fields: &'a [Field],
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Keyed<'a> {
    pub(crate) fn new(fields: &'a [Field]) -> Self {
        Self { fields, problems: Vec::new() }
    }

    /// The field, also when it says nothing (`key:`).
    pub(crate) fn field(&self, key: &str) -> Option<&'a Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The field, if it says something.
    pub(crate) fn given(&self, key: &str) -> Option<&'a Field> {
        self.field(key).filter(|field| field.value != Value::Null)
    }

    /// A text that is not blank.
    pub(crate) fn text(&mut self, key: &str) -> Option<&'a str> {
        let field = self.given(key)?;
        match field.value.text().map(str::trim) {
            Some("") => None,
            Some(text) => Some(text),
            None => self.ignore(field, "a text"),
        }
    }

    /// A number, also one in quotes.
    pub(super) fn number(
        &mut self,
        key: &str,
        accepted: impl Fn(f64) -> bool,
        expected: &str,
    ) -> Option<f64> {
        let field = self.given(key)?;
        let number = match &field.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        };
        match number.filter(|number| number.is_finite() && accepted(*number)) {
            Some(number) => Some(number),
            None => self.ignore(field, expected),
        }
    }

    /// A whole number of at least one.
    pub(crate) fn count(&mut self, key: &str) -> Option<u32> {
        let is_count = |number: f64| number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
        let number = self.number(key, is_count, "a whole number of at least 1")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a u32")]
        Some(number as u32)
    }

    /// `true` or `false`, also in quotes.
    pub(crate) fn switch(&mut self, key: &str) -> Option<bool> {
        let field = self.given(key)?;
        match &field.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => self.ignore(field, "true or false"),
        }
    }

    /// Warns that a key is ignored, and why.
    pub(crate) fn ignore<T>(&mut self, field: &Field, expected: &str) -> Option<T> {
        let is = match &field.value {
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                format!(", not {}", field.value.kind())
            }
            Value::Number(_) | Value::Text(_) => String::new(),
        };
        let message = format!("'{}' must be {expected}{is}: it is ignored", field.key);
        self.problems.push(field.placed(Problem::warning(message)));
        None
    }
}

/// The texts of a list: `Err` for a value that is none. Items that are no texts are counted.
pub(crate) fn texts(value: &Value) -> Result<(Vec<&str>, usize), &'static str> {
    match value {
        Value::Null => Ok((Vec::new(), 0)),
        Value::Text(text) => Ok((vec![text], 0)),
        Value::List(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::text).collect();
            let others = items.len() - texts.len();
            Ok((texts, others))
        }
        other @ (Value::Bool(_) | Value::Number(_) | Value::Map(_)) => Err(other.kind()),
    }
}

/// The entries of a list of tools, without repetitions.
pub(super) fn patterns(texts: &[&str]) -> Vec<ToolPattern> {
    let mut patterns = Vec::new();
    for pattern in texts.iter().flat_map(|text| ToolPattern::parse_list(text)) {
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    patterns
}
