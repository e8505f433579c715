//! The value of one entry: by YAML where it reads alone, else as its author meant it.

use super::super::field::{Field, Leniency, Place};
use super::super::keys::{self, KeyUse};
use super::super::value::Value;
use super::entry::Entry;
use super::line::Line;
use super::text::{dedented, fold, join, split_at_commas, unquoted, without_comment};
use crate::{Position, Problem, yaml};

impl Entry<'_> {
    /// Reads the value.
    ///
    /// # Errors
    /// What YAML says, where no other reading makes sense, and features that are refused.
    pub(super) fn read(&self) -> Result<Field, Box<Problem>> {
        let (value, leniency) = match self.strict() {
            Ok(value) => (value, self.unusual_key()),
            Err(error) => {
                let value = self.lenient(&error)?;
                (value, Some(self.unusual_key().unwrap_or_else(|| self.unusual_value(&error))))
            }
        };
        let (_, last_line) = self.line_range();
        let place = Place { key: self.key_position(), value: self.value_position(), last_line };
        Ok(Field { key: self.key.key.to_owned(), value, place: Some(place), leniency })
    }

    /// The value by YAML, from the lines of this entry alone.
    fn strict(&self) -> Result<Value, Box<Problem>> {
        if self.is_loose {
            let problem = Problem::error("text at the beginning of a line that belongs to no key");
            return Err(Box::new(at(problem, self.key_position())));
        }
        let indent = self.key.indent.len();
        let mut text = String::new();
        for line in &self.lines {
            // Characters of an indentation are spaces and tabs: one byte each.
            let own = line.indent().len().min(indent);
            text.push_str(line.text.get(own..).unwrap_or_default());
            text.push('\n');
        }
        if self.key.lacks_space {
            text = text.replacen(':', ": ", 1);
        }
        let first = self.lines.first().map_or(1, |line| line.number);
        let parsed = yaml::parse::<Value>(&text, yaml::Limits::FRONTMATTER).map_err(|problem| {
            let moved = problem.position.map(|at| Position { line: at.line + first - 1, ..at });
            Box::new(Problem { position: moved, ..*problem })
        })?;
        match parsed.value {
            Value::Map(mut pairs) if pairs.len() == 1 => Ok(pairs.pop().map_or(Value::Null, |pair| pair.1)),
            _ => Err(Box::new(at(Problem::error("is no `key: value`"), self.key_position()))),
        }
    }

    /// The value as its author meant it.
    fn lenient(&self, error: &Problem) -> Result<Value, Box<Problem>> {
        let inline = self.inline();
        let is_text = self.is_free_text();
        if inline.is_empty() && !self.is_loose {
            let lines = self.rest().filter(|line| !line.is_blank() && !line.is_comment());
            let items: Option<Vec<&str>> = lines.map(|line| self.item(line)).collect();
            return match items {
                Some(items) => self.list(items.into_iter().map(without_comment), error),
                None if is_text => Ok(Value::Text(self.text())),
                None => Err(Box::new(error.clone())),
            };
        }
        if self.is_block() && !self.is_loose {
            return Ok(Value::Text(self.block()));
        }
        let is_list = keys::is_list(self.key.key);
        let is_simple = is_list || matches!(keys::key_use(self.key.key), Some(KeyUse::Read | KeyUse::Kept));
        if inline.starts_with(['[', '{']) && !is_simple {
            // A structure, not text: only YAML can say what it is.
            return Err(Box::new(error.clone()));
        }
        let text = self.text();
        let text = if is_text { text.as_str() } else { without_comment(&text) };
        if is_list && text.starts_with('[') {
            let inner = text.trim_start_matches('[');
            let items = split_at_commas(inner.strip_suffix(']').unwrap_or(inner));
            return self.list(items.into_iter(), error);
        }
        match unquoted(text) {
            Ok(text) => Ok(Value::Text(text)),
            Err(text) => {
                self.check_for_features(text)?;
                Ok(Value::Text(text.to_owned()))
            }
        }
    }

    /// A list of texts; of an item that is more than that, only YAML can say what it is.
    fn list<'t>(&self, items: impl Iterator<Item = &'t str>, error: &Problem) -> Result<Value, Box<Problem>> {
        let mut list = Vec::new();
        for item in items.filter(|item| !item.is_empty()) {
            if item.starts_with(['[', '{']) || item.contains(": ") {
                return Err(Box::new(error.clone()));
            }
            list.push(Value::Text(match unquoted(item) {
                Ok(text) => text,
                Err(text) => {
                    self.check_for_features(text)?;
                    text.to_owned()
                }
            }));
        }
        Ok(Value::List(list))
    }

    /// Anchors and tags are YAML that was meant, not text. (An alias without its anchor is text.)
    fn check_for_features(&self, text: &str) -> Result<(), Box<Problem>> {
        let mut characters = text.chars();
        let feature = match (characters.next(), characters.next()) {
            (Some('&'), Some(c)) if !c.is_whitespace() => "anchors (`&name`)",
            (Some('!'), _) => "tags (`!name`)",
            _ => return Ok(()),
        };
        let problem = Problem::error(format!("{feature} are not accepted"));
        Err(Box::new(at(problem, self.value_position()).with_help("write the value out, or quote it")))
    }

    /// All its text in one: folded as YAML does, or line by line where the lines are no YAML anyway.
    fn text(&self) -> String {
        let rest = self.rest().filter(|line| !line.is_comment()).map(Line::trimmed);
        let inline = if self.is_block() { "" } else { self.inline() };
        let lines = [inline].into_iter().chain(rest);
        if self.is_loose { join(lines) } else { fold(lines) }
    }

    fn block(&self) -> String {
        let lines: Vec<&str> = self.rest().map(|line| line.text).collect();
        let lines = dedented(&lines);
        if self.inline().starts_with('>') { fold(lines) } else { join(lines) }
    }

    /// What is unusual about the line of the key.
    fn unusual_key(&self) -> Option<Leniency> {
        let key = self.key.key;
        let message = if !self.key.indent.is_empty() {
            format!("'{key}' is indented as if it belonged to the line above")
        } else if self.key.lacks_space {
            format!("a space is missing behind '{key}:'")
        } else {
            return None;
        };
        Some(Leniency { message, at: self.key_position() })
    }

    /// What is unusual about the value, given that YAML refused it.
    fn unusual_value(&self, error: &Problem) -> Leniency {
        let inline = self.inline();
        let mut at = self.value_position();
        let sign = inline.chars().next().filter(|c| "*&!%@`,?[]{}#|>".contains(*c) && !self.is_block());
        let message = if self.is_loose {
            format!("lines of '{}' are neither indented nor quoted", self.key.key)
        } else if let Some(sign) = sign {
            format!("a value that begins with `{sign}` and has no quotes")
        } else if inline.starts_with(['"', '\'']) {
            "quotes that do not belong together".to_owned()
        } else if let Some((before, _)) = inline.split_once(": ") {
            at = Position { column: at.column + before.chars().count(), length: 2, ..at };
            "`: ` in a value without quotes".to_owned()
        } else {
            at = error.position.unwrap_or(at);
            format!("not quite YAML: {}", error.message)
        };
        Leniency { message, at }
    }

    fn key_position(&self) -> Position {
        Position {
            line: self.lines.first().map_or(1, |line| line.number),
            column: self.key.indent.chars().count() + 1,
            length: self.key.key.chars().count().max(1),
        }
    }

    fn value_position(&self) -> Position {
        let line = self.lines.first().map_or("", |line| line.text);
        // `rest` is the end of the line, so the length of both gives its place.
        let untrimmed = self.key.rest.trim_start();
        let before = line.get(..line.len() - untrimmed.len()).unwrap_or_default();
        Position {
            column: before.chars().count() + 1,
            length: self.inline().chars().count().max(1),
            ..self.key_position()
        }
    }
}

fn at(problem: Problem, place: Position) -> Problem {
    problem.at(place.line, place.column, place.length)
}
