//! The walk over the syntax tree: an allow-list of nodes.

use std::ops::Range;

use tree_sitter::{Node, Parser};

use super::broken::is_broken;
use super::document::quoted_document;
use super::spans::{TokenKind, Tokens};
use super::word::{push_bare, push_double_quoted, push_single_quoted, push_variable};
use super::{
    Assignment, Direction, NotUnderstood, ParsedCommand, Redirection, Separator, SimpleCommand, Word,
};

/// Longest command that is looked at, in characters.
pub(crate) const COMMAND_CHARS_MAX: usize = 10_000;

/// Deepest nesting of the syntax tree; a chain of `&&` nests once for each link.
const DEPTH_MAX: usize = 100;

/// Words that are syntax where a program would stand.
const RESERVED: &[&str] = &[
    "!", "[[", "]]", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "until", "while",
];

/// Takes a command line apart.
///
/// # Errors
/// [`NotUnderstood`] with the first reason and its place, for everything beyond simple commands joined by
/// `&&`, `||`, `;`, `|`, `&` or line breaks, made of literal words, `$NAME` and redirections.
pub(crate) fn parse(command: &str) -> Result<ParsedCommand, NotUnderstood> {
    check_characters(command)?;
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_bash::LANGUAGE.into())
        .map_err(|error| NotUnderstood::beyond(error.to_string(), 0..0))?;
    let tree = parser
        .parse(command, None)
        .ok_or_else(|| NotUnderstood::beyond("the parser gave up", 0..command.len()))?;
    let mut walk = Walk {
        source: command,
        commands: Vec::new(),
        tokens: Tokens::default(),
        next: Separator::First,
        last_start: 0,
    };
    if let Some(broken) = first_error(tree.root_node()) {
        return Err(if is_broken(command) {
            NotUnderstood::syntax("not a complete command line", broken)
        } else {
            NotUnderstood::beyond("not a form that is judged", broken)
        });
    }
    walk.statements(tree.root_node(), /*depth*/ 0)?;
    let Walk { commands, tokens, .. } = walk;
    tokens.check(command)?;
    if commands.is_empty() {
        return Err(NotUnderstood::syntax("there is no command", 0..command.len()));
    }
    Ok(ParsedCommand { commands })
}

/// Refuses what shells, grammars and human readers see differently.
fn check_characters(command: &str) -> Result<(), NotUnderstood> {
    if command.chars().count() > COMMAND_CHARS_MAX {
        let reason = format!("longer than {COMMAND_CHARS_MAX} characters");
        return Err(NotUnderstood::beyond(reason, 0..command.len()));
    }
    match command.char_indices().find(|(_, character)| is_deceptive(*character)) {
        None => Ok(()),
        Some((at, character)) => {
            let reason = format!("the character {character:?} does not show as what it is");
            Err(NotUnderstood::beyond(reason, at..at + character.len_utf8()))
        }
    }
}

/// Control characters, carriage returns, white space beyond ASCII, and everything invisible or turning the text around.
fn is_deceptive(character: char) -> bool {
    let plain = matches!(character, '\n' | '\t' | ' ');
    !plain && (character.is_control() || character.is_whitespace() || is_unseen(character))
}

/// Characters that one does not see, or that turn the text around them: what a reader cannot judge.
pub fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

fn first_error(root: Node<'_>) -> Option<Range<usize>> {
    if !root.has_error() {
        return None;
    }
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            return Some(node.byte_range());
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(root.byte_range());
            }
        }
    }
}

struct Walk<'a> {
    source: &'a str,
    commands: Vec<SimpleCommand>,
    tokens: Tokens,
    /// What the next simple command comes after.
    next: Separator,
    /// Where the last simple command begins.
    last_start: usize,
}

impl Walk<'_> {
    fn text(&self, node: Node<'_>) -> &str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// `program`, `list` and `pipeline`: statements with separators between them.
    fn statements(&mut self, parent: Node<'_>, depth: usize) -> Result<(), NotUnderstood> {
        for child in parent.children(&mut parent.walk()) {
            self.statement(child, depth)?;
        }
        Ok(())
    }

    fn statement(&mut self, node: Node<'_>, depth: usize) -> Result<(), NotUnderstood> {
        if depth > DEPTH_MAX {
            return Err(NotUnderstood::beyond("too many parts", node.byte_range()));
        }
        let separator = match node.kind() {
            "list" | "pipeline" => return self.statements(node, depth + 1),
            "redirected_statement" => return self.redirected(node, depth + 1),
            "command" => return self.command(node),
            "variable_assignment" => return self.assignments_alone(&[node]),
            "variable_assignments" => {
                return self.assignments_alone(&node.children(&mut node.walk()).collect::<Vec<_>>());
            }
            "comment" => {
                self.tokens.push(node.byte_range(), TokenKind::Comment);
                return Ok(());
            }
            ";" | "\n" => Separator::Sequence,
            "&&" => Separator::And,
            "||" => Separator::Or,
            "|" | "|&" => Separator::Pipe,
            "&" => Separator::Background,
            other => return Err(unknown(other, node)),
        };
        if node.kind() == "\n" {
            self.tokens.push(node.byte_range(), TokenKind::NewLine);
            // A line break after `&&` or `|` continues the line, it does not end it.
            if matches!(self.next, Separator::And | Separator::Or | Separator::Pipe) {
                return Ok(());
            }
        } else {
            self.tokens.push(node.byte_range(), TokenKind::Separator);
        }
        if !self.commands.is_empty() {
            self.next = separator;
        }
        Ok(())
    }

    fn redirected(&mut self, node: Node<'_>, depth: usize) -> Result<(), NotUnderstood> {
        let before = self.commands.len();
        let mut redirections = Vec::new();
        for child in node.children(&mut node.walk()) {
            if child.kind() == "file_redirect" {
                redirections.extend(self.redirection(child)?);
            } else {
                self.statement(child, depth)?;
            }
        }
        if self.commands.len() == before {
            self.push(Vec::new(), Vec::new(), node);
        }
        // In `a && b > f` the grammar puts the redirection on the list; it belongs to `b`.
        let start = if self.commands.len() - before == 1 { node.start_byte() } else { self.last_start };
        if let Some(last) = self.commands.last_mut() {
            last.redirections.extend(redirections);
            self.source.get(start..node.end_byte()).unwrap_or_default().clone_into(&mut last.text);
        }
        Ok(())
    }

    fn command(&mut self, node: Node<'_>) -> Result<(), NotUnderstood> {
        let (mut assignments, mut words, mut redirections) = (Vec::new(), Vec::new(), Vec::new());
        for child in node.children(&mut node.walk()) {
            match child.kind() {
                "variable_assignment" if words.is_empty() => assignments.push(self.assignment(child)?),
                "file_redirect" => redirections.extend(self.redirection(child)?),
                "command_name" => words.push(self.program(child)?),
                _ => words.push(self.word(child)?),
            }
        }
        self.push(assignments, words, node);
        if let Some(last) = self.commands.last_mut() {
            last.redirections = redirections;
        }
        Ok(())
    }

    fn push(&mut self, assignments: Vec<Assignment>, words: Vec<Word>, node: Node<'_>) {
        let text = self.text(node).to_owned();
        self.last_start = node.start_byte();
        let after = std::mem::replace(&mut self.next, Separator::Sequence);
        self.commands.push(SimpleCommand { after, assignments, words, redirections: Vec::new(), text });
    }

    fn assignments_alone(&mut self, nodes: &[Node<'_>]) -> Result<(), NotUnderstood> {
        for node in nodes {
            let assignment = self.assignment(*node)?;
            self.push(vec![assignment], Vec::new(), *node);
        }
        Ok(())
    }

    fn program(&mut self, node: Node<'_>) -> Result<Word, NotUnderstood> {
        let child = node.child(0).filter(|_| node.child_count() == 1);
        let word = self.word(child.ok_or_else(|| unknown("an unusual command name", node))?)?;
        if RESERVED.contains(&self.text(node)) {
            return Err(NotUnderstood::beyond("a reserved word in an unusual place", node.byte_range()));
        }
        Ok(word)
    }

    /// `NAME=value` as one token: name and value must touch.
    fn assignment(&mut self, node: Node<'_>) -> Result<Assignment, NotUnderstood> {
        let beyond = || NotUnderstood::beyond("an unusual assignment", node.byte_range());
        if node.kind() != "variable_assignment" {
            return Err(unknown(node.kind(), node));
        }
        let name = node.child_by_field_name("name").filter(|name| name.kind() == "variable_name");
        let name = self.text(name.ok_or_else(beyond)?).to_owned();
        let equals = node.child(1).filter(|child| child.kind() == "=").ok_or_else(beyond)?;
        let mut value = Word::default();
        match node.child_by_field_name("value") {
            Some(child) if child.start_byte() == equals.end_byte() && node.child_count() == 3 => {
                self.piece(&mut value, child)?;
            }
            None if node.child_count() == 2 => {}
            _ => return Err(beyond()),
        }
        if equals.start_byte() != node.start_byte() + name.len() || name.is_empty() {
            return Err(beyond());
        }
        self.tokens.push(node.byte_range(), TokenKind::Word);
        Ok(Assignment { name, value })
    }

    fn redirection(&mut self, node: Node<'_>) -> Result<Option<Redirection>, NotUnderstood> {
        let mut operator = "";
        let mut target = None;
        for child in node.children(&mut node.walk()) {
            match child.kind() {
                "file_descriptor" if self.text(child).chars().all(|c| c.is_ascii_digit()) => {
                    self.tokens.push(child.byte_range(), TokenKind::Descriptor);
                }
                kind @ ("<" | ">" | ">>" | ">|" | "&>" | "&>>" | "<&" | ">&" | "<&-" | ">&-") => {
                    let closes = kind.ends_with('-');
                    self.tokens.push(child.byte_range(), TokenKind::Redirect { closes });
                    operator = kind;
                }
                _ if operator.is_empty() || target.is_some() => return Err(unknown("redirection", child)),
                _ => target = Some(self.word(child)?),
            }
        }
        let Some(target) = target else {
            let closes = operator.ends_with('-');
            return if closes { Ok(None) } else { Err(unknown("redirection", node)) };
        };
        let is_descriptor = target.is_literal()
            && (target.text == "-"
                || (!target.text.is_empty() && target.text.chars().all(|c| c.is_ascii_digit())));
        let direction = match operator {
            "<&" | ">&" if is_descriptor => return Ok(None),
            "<" => Direction::Read,
            ">" | ">>" | ">|" | "&>" | "&>>" | ">&" => Direction::Write,
            _ => return Err(unknown("redirection", node)),
        };
        if target.is_literal() && target.text == "/dev/null" {
            return Ok(None);
        }
        Ok(Some(Redirection { direction, target }))
    }

    fn word(&mut self, node: Node<'_>) -> Result<Word, NotUnderstood> {
        let mut word = Word::default();
        self.piece(&mut word, node)?;
        self.tokens.push(node.byte_range(), TokenKind::Word);
        Ok(word)
    }

    fn piece(&self, word: &mut Word, node: Node<'_>) -> Result<(), NotUnderstood> {
        let (text, span) = (self.text(node), node.byte_range());
        match node.kind() {
            _ if is_bare(node) => push_bare(word, text, &span),
            "raw_string" => push_single_quoted(word, text, &span),
            "string" => {
                if let Some(document) = quoted_document(text) {
                    word.text.push_str(document);
                    return Ok(());
                }
                let allowed = |child: Node<'_>| {
                    matches!(child.kind(), "\"" | "string_content" | "simple_expansion" | "$")
                };
                match node.children(&mut node.walk()).find(|child| !allowed(*child)) {
                    Some(child) => Err(unknown(child.kind(), child)),
                    None => push_double_quoted(word, text, &span),
                }
            }
            "simple_expansion" => push_variable(word, text, &span),
            "concatenation" => self.pieces(word, node),
            other => Err(unknown(other, node)),
        }
    }

    /// Pieces of one word. Unquoted ones that touch are read as one, since the grammar splits them as it likes.
    fn pieces(&self, word: &mut Word, node: Node<'_>) -> Result<(), NotUnderstood> {
        let mut end = node.start_byte();
        let mut bare = end..end;
        for child in node.children(&mut node.walk()) {
            let span = child.byte_range();
            if span.start != end || child.kind() == "concatenation" {
                return Err(unknown("an unusual word", child));
            }
            end = span.end;
            if is_bare(child) {
                bare.end = end;
            } else {
                self.bare(word, &bare)?;
                self.piece(word, child)?;
                bare = end..end;
            }
        }
        self.bare(word, &bare)
    }

    fn bare(&self, word: &mut Word, span: &Range<usize>) -> Result<(), NotUnderstood> {
        push_bare(word, self.source.get(span.clone()).unwrap_or_default(), span)
    }
}

fn is_bare(node: Node<'_>) -> bool {
    matches!(node.kind(), "word" | "number") && node.named_child_count() == 0
}

fn unknown(kind: &str, node: Node<'_>) -> NotUnderstood {
    NotUnderstood::beyond(format!("{} is not judged", kind.replace('_', " ")), node.byte_range())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
