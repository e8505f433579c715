//! What templates do with the text of a source. All of it works on lines.

use std::collections::HashSet;

use regex::Regex;

use super::TemplateError;
use super::pattern::one_line;
use super::words::Word;

/// One step between two bars.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    Grep(Regex),
    Omit(Regex),
    Map(Regex, String),
    First(usize),
    Last(usize),
    Sort,
    Unique,
    Count,
    Join(String),
    Default(String),
}

impl Filter {
    /// Reads a filter from its words.
    pub(super) fn parse(words: &[Word]) -> Result<Self, TemplateError> {
        let (name, arguments) = match words {
            [Word::Bare(name), arguments @ ..] => (name.as_str(), arguments),
            _ => return Err(TemplateError::NoFilter),
        };
        let texts: Vec<&str> = arguments.iter().filter_map(text_of).collect();
        match (name, texts.as_slice()) {
            ("grep", [re]) => Ok(Self::Grep(regex(re)?)),
            ("omit", [re]) => Ok(Self::Omit(regex(re)?)),
            ("map", [re, text]) => Ok(Self::Map(regex(re)?, (*text).to_owned())),
            ("first", [n]) => Ok(Self::First(number(n)?)),
            ("last", [n]) => Ok(Self::Last(number(n)?)),
            ("sort", []) => Ok(Self::Sort),
            ("unique", []) => Ok(Self::Unique),
            ("count", []) => Ok(Self::Count),
            ("join", [text]) => Ok(Self::Join((*text).to_owned())),
            ("default", [text]) => Ok(Self::Default((*text).to_owned())),
            (
                "grep" | "omit" | "map" | "first" | "last" | "sort" | "unique" | "count" | "join" | "default",
                _,
            ) => Err(TemplateError::Arguments { filter: name.to_owned() }),
            _ => Err(TemplateError::UnknownFilter { name: name.to_owned() }),
        }
    }

    /// Applies the filter.
    pub(super) fn apply(&self, text: String) -> String {
        let lines = || text.lines();
        match self {
            Self::Grep(re) => joined(lines().filter(|line| re.is_match(line))),
            Self::Omit(re) => joined(lines().filter(|line| !re.is_match(line))),
            Self::Map(re, replacement) => mapped(&text, re, replacement),
            Self::First(n) => joined(lines().take(*n)),
            Self::Last(n) => joined(lines().skip(lines().count().saturating_sub(*n))),
            Self::Sort => {
                let mut sorted: Vec<&str> = lines().collect();
                sorted.sort_unstable();
                sorted.join("\n")
            }
            Self::Unique => {
                let mut seen = HashSet::new();
                joined(lines().filter(|line| seen.insert(*line)))
            }
            Self::Count => lines().filter(|line| !line.trim().is_empty()).count().to_string(),
            Self::Join(between) => lines().collect::<Vec<_>>().join(between),
            Self::Default(other) if text.trim().is_empty() => other.clone(),
            Self::Default(_) => text,
        }
    }
}

fn mapped(text: &str, re: &Regex, replacement: &str) -> String {
    let mut result = String::new();
    for captures in text.lines().filter_map(|line| re.captures(line)) {
        if !result.is_empty() {
            result.push('\n');
        }
        captures.expand(replacement, &mut result);
    }
    result
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn text_of(word: &Word) -> Option<&str> {
    match word {
        Word::Bare(text) | Word::Quoted(text) => Some(text),
        Word::Bar => None,
    }
}

fn regex(text: &str) -> Result<Regex, TemplateError> {
    Regex::new(text).map_err(|error| TemplateError::Regex { detail: one_line(&error) })
}

fn number(text: &str) -> Result<usize, TemplateError> {
    text.parse().map_err(|_| TemplateError::Number { text: text.to_owned() })
}
