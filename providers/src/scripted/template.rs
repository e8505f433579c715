//! Texts that quote what tools have really given.

use serde::{Deserialize, Deserializer, de};

use super::conversation::Conversation;
use super::filter::Filter;
use super::words::{self, Word};

/// A text with expressions such as `{{ result | grep 'TODO' | count }}`; the folder's documentation lists them all.
#[derive(Clone, Debug)]
pub struct Template(Vec<Piece>);

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("'{{{{' without '}}}}'")]
    Unclosed,
    /// A quote that does not end.
    #[error("a {quote} without its end")]
    Quote {
        /// The quote.
        quote: char,
    },
    /// Something else where a source should stand.
    #[error(
        "unknown source '{source_text}'; known: result, results, prompt, user, model, or a text in quotes"
    )]
    Source {
        /// What stands there.
        source_text: String,
    },
    /// `|` without a filter behind it.
    #[error("'|' without a filter behind it")]
    NoFilter,
    /// A filter that does not exist.
    #[error(
        "unknown filter '{name}'; known: grep, omit, map, first, last, sort, unique, count, join, default"
    )]
    UnknownFilter {
        /// Its name.
        name: String,
    },
    /// A filter with too few or too many arguments.
    #[error("wrong number of arguments for the filter '{filter}'")]
    Arguments {
        /// Its name.
        filter: String,
    },
    /// A regular expression that cannot be read.
    #[error("{detail}")]
    Regex {
        /// What is wrong with it.
        detail: String,
    },
    /// Something else where a number should stand.
    #[error("'{text}' is not a number")]
    Number {
        /// What stands there.
        text: String,
    },
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Expression { source: Source, filters: Vec<Filter> },
}

#[derive(Clone, Debug)]
enum Source {
    LastResult,
    NthResult(usize),
    ResultOf(String),
    AllResults(Option<String>),
    Prompt,
    LastUserText,
    Model,
    Literal(String),
}

impl Template {
    /// Takes a text as it stands.
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// Reads a text with expressions.
    ///
    /// # Errors
    /// [`TemplateError`] says what cannot be read.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (words, after) = words::read(behind)?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(expression(&words)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Fills the template in; fails with a sentence when the conversation has not what it quotes.
    pub(super) fn render(&self, conversation: Conversation<'_>) -> Result<String, String> {
        let mut result = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Expression { source, filters } => {
                    let text = source.text(conversation)?;
                    result.push_str(&filters.iter().fold(text, |text, filter| filter.apply(text)));
                }
            }
        }
        Ok(result)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Source {
    fn parse(words: &[Word]) -> Result<Self, TemplateError> {
        let unknown = || TemplateError::Source {
            source_text: words.iter().map(Word::shown).collect::<Vec<_>>().join(" "),
        };
        let (name, argument) = match words {
            [Word::Quoted(text)] => return Ok(Self::Literal(text.clone())),
            [Word::Bare(name)] => (name.as_str(), None),
            [Word::Bare(name), Word::Bare(argument) | Word::Quoted(argument)] => {
                (name.as_str(), Some(argument))
            }
            _ => return Err(unknown()),
        };
        match (name, argument) {
            ("result", None) => Ok(Self::LastResult),
            ("result", Some(argument)) => Ok(match argument.parse() {
                Ok(number) => Self::NthResult(number),
                Err(_) => Self::ResultOf(argument.clone()),
            }),
            ("results", tool) => Ok(Self::AllResults(tool.cloned())),
            ("prompt", None) => Ok(Self::Prompt),
            ("user", None) => Ok(Self::LastUserText),
            ("model", None) => Ok(Self::Model),
            _ => Err(unknown()),
        }
    }

    fn text(&self, conversation: Conversation<'_>) -> Result<String, String> {
        let mut results = conversation.results();
        let (found, wanted) = match self {
            Self::LastResult => (results.last(), "a tool result".to_owned()),
            Self::NthResult(number) => {
                // A result "0" is never there.
                let nth = number.checked_sub(1).and_then(|index| results.nth(index));
                (nth, format!("tool result {number}"))
            }
            Self::ResultOf(id) => {
                (results.find(|result| *result.call_id == **id), format!("the result of the call '{id}'"))
            }
            Self::AllResults(tool) => {
                let wanted = results.filter(|result| tool.as_ref().is_none_or(|tool| *result.tool == **tool));
                return Ok(wanted.map(|result| &*result.text).collect::<Vec<_>>().join("\n"));
            }
            Self::Prompt => return Ok(conversation.prompt().to_owned()),
            Self::LastUserText => return Ok(conversation.last_user_text().to_owned()),
            Self::Model => return Ok(conversation.request().model.to_string()),
            Self::Literal(text) => return Ok(text.clone()),
        };
        let there = conversation.results().count();
        found.map(|result| result.text.to_string()).ok_or_else(|| {
            format!("quotes {wanted}, and the conversation has {there} tool results without it")
        })
    }
}

/// `source | filter | filter`
fn expression(words: &[Word]) -> Result<Piece, TemplateError> {
    let mut steps = words.split(|word| *word == Word::Bar);
    let source = Source::parse(steps.next().unwrap_or_default())?;
    let filters = steps.map(Filter::parse).collect::<Result<_, _>>()?;
    Ok(Piece::Expression { source, filters })
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
