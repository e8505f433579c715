//! The words between `{{` and `}}`.

use super::TemplateError;

/// A word of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// As it stands: a source, a filter, a number, an id.
    Bare(String),
    /// In quotes: always a text.
    Quoted(String),
    /// `|`
    Bar,
}

impl Word {
    /// How errors show it.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
            Self::Bar => "|",
        }
    }
}

/// Reads the words of an expression; `text` begins behind its `{{`. Gives the rest behind its `}}`.
///
/// Quotes end at the next quote of the same kind, and nothing in between has a meaning: regular expressions need
/// their backslashes.
pub(super) fn read(text: &str) -> Result<(Vec<Word>, &str), TemplateError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(behind) = rest.strip_prefix("}}") {
            return Ok((words, behind));
        }
        let mut chars = rest.chars();
        rest = match chars.next() {
            None => return Err(TemplateError::Unclosed),
            Some('|') => {
                words.push(Word::Bar);
                chars.as_str()
            }
            Some(quote @ ('\'' | '"')) => {
                let (inner, behind) =
                    chars.as_str().split_once(quote).ok_or(TemplateError::Quote { quote })?;
                words.push(Word::Quoted(inner.to_owned()));
                behind
            }
            Some(_) => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '|' | '}' | '\'' | '"');
                // At least one character, so that a lone `}` cannot stop the reading.
                let first = rest.len() - chars.as_str().len();
                let end = chars.as_str().find(ends).map_or(rest.len(), |at| at + first);
                let (word, behind) = rest.split_at(end);
                words.push(Word::Bare(word.to_owned()));
                behind
            }
        }
        .trim_start();
    }
}
