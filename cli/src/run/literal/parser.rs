//! From words to calls.

use serde_json::Value;

use super::lexer::{Placed, Token, tokens};
use super::{Argument, Call, LiteralError};

/// What arguments without a keyword mean, by their place.
const POSITIONAL: [&str; 3] = ["subagent_type", "prompt", "description"];
/// Calls within calls: `asyncio.run(asyncio.gather(...))` is as deep as it gets.
const DEPTH_MAX: usize = 8;

/// Reads all Task calls of a text, in order.
///
/// # Errors
/// The first thing that does not belong into such a text.
pub(in super::super) fn parse(text: &str) -> Result<Vec<Call>, LiteralError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len(), calls: Vec::new() };
    while parser.peek().is_some() {
        parser.statement()?;
    }
    if parser.calls.is_empty() {
        return Err(LiteralError::new(0, "there is no Task(...) in it".to_owned()));
    }
    Ok(parser.calls)
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    /// Where the text ends.
    end: usize,
    calls: Vec<Call>,
}

impl Parser {
    /// `[name =] expression [;]`
    fn statement(&mut self) -> Result<(), LiteralError> {
        if matches!(self.peek(), Some(Token::Name(_))) && self.peek_at(1) == Some(&Token::Sign('=')) {
            self.next += 2;
        }
        self.expression(DEPTH_MAX)?;
        while self.accept(';') {}
        Ok(())
    }

    /// `[await] Task(...)` or `[await] asyncio.gather(expression, ...)`
    fn expression(&mut self, depth: usize) -> Result<(), LiteralError> {
        if self.peek() == Some(&Token::Name("await".to_owned())) {
            self.next += 1;
        }
        let offset = self.offset();
        if depth == 0 {
            return Err(LiteralError::new(offset, "calls within calls within calls".to_owned()));
        }
        let name = self.dotted_name()?;
        match name.as_str() {
            "Task" | "Agent" => self.task(offset),
            "asyncio.gather" | "gather" | "asyncio.run" => self.gather(depth - 1),
            _ => Err(LiteralError::new(
                offset,
                format!("'{name}' is not known here; only Task(...) and asyncio.gather(...) are"),
            )),
        }
    }

    fn dotted_name(&mut self) -> Result<String, LiteralError> {
        let mut name = self.name("Task(")?;
        while self.accept('.') {
            name.push('.');
            name.push_str(&self.name("a name")?);
        }
        Ok(name)
    }

    /// `(expression, ..., keyword=value, ...)`; its keywords (`return_exceptions`) change nothing here.
    fn gather(&mut self, depth: usize) -> Result<(), LiteralError> {
        self.expect('(')?;
        while !self.accept(')') {
            if self.keyword().is_some() {
                self.value()?;
            } else {
                self.expression(depth)?;
            }
            self.separator()?;
        }
        Ok(())
    }

    /// `(value, ..., keyword=value, ...)`
    fn task(&mut self, offset: usize) -> Result<(), LiteralError> {
        self.expect('(')?;
        let mut arguments: Vec<Argument> = Vec::new();
        let mut has_keywords = false;
        while !self.accept(')') {
            let begin = self.offset();
            let keyword = self.keyword();
            let place = POSITIONAL.get(arguments.len());
            let name = match (keyword, place) {
                (Some(keyword), _) => {
                    has_keywords = true;
                    keyword
                }
                (None, _) if has_keywords => {
                    return Err(self.unexpected("a keyword such as prompt="));
                }
                (None, Some(place)) => (*place).to_owned(),
                (None, None) => {
                    return Err(self.unexpected("a keyword such as model=, or ')'"));
                }
            };
            if arguments.iter().any(|argument| argument.name == name) {
                return Err(LiteralError::new(begin, format!("'{name}' stands twice")));
            }
            let value = self.value()?;
            arguments.push(Argument { name, value, offset: begin });
            self.separator()?;
        }
        self.calls.push(Call { offset, arguments });
        Ok(())
    }

    /// `keyword=`, if it stands here.
    fn keyword(&mut self) -> Option<String> {
        match (self.peek(), self.peek_at(1)) {
            (Some(Token::Name(name)), Some(Token::Sign('='))) => {
                let name = name.clone();
                self.next += 2;
                Some(name)
            }
            _ => None,
        }
    }

    /// A text (several beside each other are one), a number, `True`, `False` or `None`.
    fn value(&mut self) -> Result<Value, LiteralError> {
        let offset = self.offset();
        let is_negative = self.accept('-');
        match self.peek().cloned() {
            Some(Token::Text(_)) if !is_negative => Ok(Value::String(self.texts())),
            Some(Token::Number(number)) => {
                self.next += 1;
                let sign = if is_negative { "-" } else { "" };
                let plain = format!("{sign}{}", number.replace('_', ""));
                serde_json::from_str(&plain)
                    .map_err(|_| LiteralError::new(offset, format!("'{plain}' is no number")))
            }
            Some(Token::Name(name)) if !is_negative => {
                let value = match name.as_str() {
                    "True" | "true" => Value::Bool(true),
                    "False" | "false" => Value::Bool(false),
                    "None" | "null" => Value::Null,
                    _ => {
                        let message =
                            format!("'{name}' is no text: variables are not evaluated, quotes are missing");
                        return Err(LiteralError::new(offset, message));
                    }
                };
                self.next += 1;
                Ok(value)
            }
            Some(_) | None => Err(self.unexpected("a text in quotes")),
        }
    }

    fn texts(&mut self) -> String {
        let mut value = String::new();
        while let Some(Token::Text(text)) = self.peek() {
            value.push_str(text);
            self.next += 1;
        }
        value
    }

    /// A comma, or the closing parenthesis that follows.
    fn separator(&mut self) -> Result<(), LiteralError> {
        if self.accept(',') || self.peek() == Some(&Token::Sign(')')) {
            Ok(())
        } else {
            Err(self.unexpected("',' or ')'"))
        }
    }

    fn name(&mut self, wanted: &str) -> Result<String, LiteralError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            Some(_) | None => Err(self.unexpected(wanted)),
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), LiteralError> {
        if self.accept(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    fn accept(&mut self, sign: char) -> bool {
        let is_here = self.peek() == Some(&Token::Sign(sign));
        self.next += usize::from(is_here);
        is_here
    }

    fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|placed| &placed.token)
    }

    /// Where the next word begins; behind the last one, where the text ends.
    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |placed| placed.offset)
    }

    fn unexpected(&self, wanted: &str) -> LiteralError {
        let found = self.peek().map_or("the end of the text".to_owned(), Token::shown);
        LiteralError::new(self.offset(), format!("{wanted} should stand here, not {found}"))
    }
}
