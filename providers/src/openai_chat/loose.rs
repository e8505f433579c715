//! Text that servers write in more than one way.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text that may be a string, `null`, a number, or (the content of some servers) a list of parts. Whatever holds no
/// text is empty. Borrows where the text has no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Loose<'a>(Cow<'a, str>);

impl Loose<'_> {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, if there is any.
    pub(super) fn non_empty(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&*self.0)
    }

    /// The text as a value of its own.
    pub(super) fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::default())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self::Value, E> {
        Ok(Loose::default())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Loose(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Loose(Cow::Owned(number.to_string())))
    }

    /// The texts of the parts, one after the other: `[{"type": "text", "text": "..."}]`.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut text = String::new();
        while let Some(part) = parts.next_element::<Loose<'de>>()? {
            text.push_str(part.as_str());
        }
        Ok(Loose(Cow::Owned(text)))
    }

    /// The field `text`, where there is one.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut text = Loose::default();
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            if name == "text" {
                text = fields.next_value()?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_text_is_read() {
        let cases = [
            (r#""plain""#, "plain"),
            (r#""esc\u0061ped\n""#, "escaped\n"),
            ("null", ""),
            ("429", "429"),
            ("true", ""),
            (r#"[{"type":"text","text":"a"},{"type":"thinking","thinking":[{"text":"no"}]},"b"]"#, "ab"),
            (r#"{"x":{"text":"no"},"text":"yes"}"#, "yes"),
            ("[]", ""),
        ];
        for (json, expected) in cases {
            assert_eq!(serde_json::from_str::<Loose<'_>>(json).unwrap().as_str(), expected, "{json}");
        }
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let text: Loose<'_> = serde_json::from_str(r#""plain""#).unwrap();
        assert!(matches!(text.0, Cow::Borrowed("plain")));
    }
}
