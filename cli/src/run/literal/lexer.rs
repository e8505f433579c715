//! The words of a Python call, with their places.

use super::LiteralError;
use super::string;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// `Task`, `prompt`, `await`, `True`.
    Name(String),
    /// A text, its quotes and escapes resolved.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// `(`, `)`, `=`, `,`, `.`, `;` or `-`.
    Sign(char),
}

impl Token {
    /// How errors name it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(name) => format!("'{name}'"),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(number) => format!("the number {number}"),
            Self::Sign(sign) => format!("'{sign}'"),
        }
    }
}

/// A word and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) offset: usize,
}

/// Splits a text into its words; blanks, line breaks and comments are not words.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, LiteralError> {
    let mut tokens = Vec::new();
    let mut offset = 0;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        let (token, length) = next(rest, offset)?;
        if let Some(token) = token {
            tokens.push(Placed { token, offset });
        }
        offset += length;
    }
    Ok(tokens)
}

/// The word at the beginning of `rest`, if one begins there, and how many bytes to go on by.
fn next(rest: &str, offset: usize) -> Result<(Option<Token>, usize), LiteralError> {
    let Some(first) = rest.chars().next() else { return Ok((None, 0)) };
    if let Some(length) = string::begins(rest) {
        let (value, length) = string::read(rest, length).map_err(|error| error.moved_by(offset))?;
        return Ok((Some(Token::Text(value)), length));
    }
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let word = |length: usize| rest.get(..length).unwrap_or_default().to_owned();
    match first {
        c if c.is_whitespace() => Ok((None, run(char::is_whitespace))),
        '#' => Ok((None, run(|c| c != '\n'))),
        '\\' if rest.starts_with("\\\n") => Ok((None, 2)),
        c if c == '_' || c.is_alphabetic() => {
            let length = run(|c| c == '_' || c.is_alphanumeric());
            Ok((Some(Token::Name(word(length))), length))
        }
        c if c.is_ascii_digit() => {
            let length = run(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
            Ok((Some(Token::Number(word(length))), length))
        }
        '(' | ')' | '=' | ',' | '.' | ';' | '-' => Ok((Some(Token::Sign(first)), 1)),
        '“' | '”' | '„' | '‘' | '’' => Err(LiteralError::new(
            offset,
            format!("the typographic quote {first}; Python's quotes are \" and '"),
        )),
        '[' | '{' | '*' => Err(LiteralError::new(
            offset,
            format!(
                "'{first}': lists, dictionaries and * are not evaluated; give the Tasks one after the other"
            ),
        )),
        other => Err(LiteralError::new(offset, format!("'{}' does not belong here", other.escape_debug()))),
    }
}
