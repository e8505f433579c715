//! A text to look for.

use regex::Regex;
use serde::{Deserialize, Deserializer, de};

/// A text to look for: as it stands, or a regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(Form);

#[derive(Clone, Debug)]
enum Form {
    Text(String),
    Regex(Regex),
}

impl Pattern {
    /// Searches for the text as it stands.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Form::Text(text.into()))
    }

    /// Reads a pattern as scenarios write it: a regular expression between slashes, else a text.
    ///
    /// # Errors
    /// The regular expression's own.
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        Ok(Self(match inner.filter(|inner| !inner.is_empty()) {
            // Line by line, as a reader of tool output expects.
            Some(inner) => Form::Regex(Regex::new(&format!("(?m){inner}"))?),
            None => Form::Text(text.to_owned()),
        }))
    }

    /// Whether `text` has it.
    pub(super) fn fits(&self, text: &str) -> bool {
        match &self.0 {
            Form::Text(wanted) => text.contains(wanted),
            Form::Regex(regex) => regex.is_match(text),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| de::Error::custom(one_line(&error)))
    }
}

/// The last line of a regular expression's error says what is wrong; the lines before it draw the place.
pub(super) fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim();
    format!("not a regular expression: {}", reason.strip_prefix("error: ").unwrap_or(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_between_slashes_is_a_regular_expression() {
        let fits = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().fits(text);
        assert!(fits("a.c", "xa.cx") && !fits("a.c", "abc"));
        assert!(fits("/a.c/", "abc") && !fits("/^b/", "abc"));
        assert!(fits("/^b$/", "a\nb\nc"), "lines count");
        assert!(fits("//", "a//b") && !fits("//", "a"), "an empty expression is meant as text");
        assert!(fits("/etc", "cat /etc/passwd"));
    }

    #[test]
    fn a_broken_expression_is_explained_in_one_line() {
        let error = Pattern::parse("/a(/").unwrap_err();
        assert_eq!(one_line(&error), "not a regular expression: unclosed group");
    }
}
