//! Which lines belong together: a key and everything up to the next one.

use std::collections::BTreeSet;

use super::super::keys;
use super::line::{KeyLine, Line};
use crate::Problem;

/// A key with its lines.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// The key, from the first of its lines.
    pub(super) key: KeyLine<'a>,
    /// Its lines, blank ones and comments included.
    pub(super) lines: Vec<Line<'a>>,
    /// Whether lines belong to it that are no YAML at all: text that is not indented.
    pub(super) is_loose: bool,
}

/// All entries of a frontmatter, and the lines that belong to none.
#[derive(Debug, Default)]
pub(super) struct Entries<'a> {
    pub(super) all: Vec<Entry<'a>>,
    pub(super) strays: Vec<Line<'a>>,
    /// Known keys at the beginning of a line: an indented one of the same name is none.
    outermost: BTreeSet<&'a str>,
    /// Whether the last line belongs to no entry: lines that continue it do not either.
    is_astray: bool,
}

/// What a line is to the entry before it.
enum Role<'a> {
    Begins(KeyLine<'a>),
    Continues,
    ContinuesLoosely,
}

impl<'a> Entry<'a> {
    /// What stands behind the colon.
    pub(super) fn inline(&self) -> &'a str {
        self.key.rest.trim()
    }

    /// The lines behind the first.
    pub(super) fn rest(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().skip(1)
    }

    /// First and last line, without blank ones and comments at the end.
    pub(super) fn line_range(&self) -> (usize, usize) {
        let first = self.lines.first().map_or(0, |line| line.number);
        let is_block = self.is_block();
        let counts = |line: &&Line<'_>| !line.is_blank() && (is_block || !line.is_comment());
        (first, self.lines.iter().rev().find(counts).map_or(first, |line| line.number))
    }

    pub(super) fn is_free_text(&self) -> bool {
        keys::is_free_text(self.key.key)
    }

    /// Whether its value is a block scalar: `|`, `>-`, `|2`.
    pub(super) fn is_block(&self) -> bool {
        let header = self.inline().split(" #").next().unwrap_or_default().trim_end();
        header.strip_prefix(['|', '>']).is_some_and(|rest| {
            rest.chars().count() <= 2 && rest.chars().all(|c| matches!(c, '+' | '-' | '1'..='9'))
        })
    }

    /// What stands behind the dash of a line, if it is an item of this entry's list.
    pub(super) fn item(&self, line: &Line<'a>) -> Option<&'a str> {
        if keys::is_list(self.key.key) { line.name_item() } else { line.item() }
    }

    fn is_known(&self) -> bool {
        keys::key_use(self.key.key).is_some()
    }

    /// What a line is to this entry, were it its last.
    fn role(&self, line: Line<'a>, outermost: &BTreeSet<&str>) -> Role<'a> {
        let is_indented = line.indent().len() > self.key.indent.len();
        if line.is_blank() || (is_indented && self.is_block()) {
            return Role::Continues;
        }
        if line.is_comment() && !self.is_block() {
            return Role::Continues;
        }
        let Some(key) = line.key() else {
            let is_item = self.inline().is_empty() && self.item(&line).is_some();
            return if is_indented || is_item { Role::Continues } else { Role::ContinuesLoosely };
        };
        let is_known = keys::key_use(key.key).is_some();
        let begins = match (is_indented, is_known) {
            (false, true) => true,
            (false, false) => !self.is_loose,
            // Indented by mistake, unless it lies within a mapping.
            (true, true) => {
                let is_mapping = self.inline().is_empty() && !(self.is_known() && self.is_free_text());
                !is_mapping && !outermost.contains(key.key)
            }
            (true, false) => !self.inline().is_empty() && !self.is_free_text(),
        };
        match (begins, is_indented) {
            (true, _) => Role::Begins(key),
            (false, true) => Role::Continues,
            (false, false) => Role::ContinuesLoosely,
        }
    }
}

impl<'a> Entries<'a> {
    /// Sorts the lines of a frontmatter into entries.
    ///
    /// # Errors
    /// A key that stands twice, and a key without its colon that would have narrowed the agent's rights.
    pub(super) fn group(frontmatter: &'a str) -> Result<Self, Box<Problem>> {
        let lines = Line::all(frontmatter);
        let outermost = lines.iter().filter_map(Line::key).filter(|key| key.indent.is_empty());
        let outermost = outermost.map(|key| key.key).filter(|key| keys::key_use(key).is_some());
        let mut entries = Self { outermost: outermost.collect(), ..Self::default() };
        let mut quoted_until = 0;
        for (index, line) in lines.iter().enumerate() {
            if line.number <= quoted_until {
                entries.append(*line);
            } else if entries.add(*line)? {
                quoted_until = end_of_quote(lines.get(index..).unwrap_or_default()).unwrap_or(0);
            }
        }
        entries.check_for_doubles()?;
        Ok(entries)
    }

    /// Adds a line; whether it begins an entry.
    fn add(&mut self, line: Line<'a>) -> Result<bool, Box<Problem>> {
        let role = match self.all.last() {
            Some(entry) => entry.role(line, &self.outermost),
            None => match line.key() {
                Some(key) => Role::Begins(key),
                None if line.is_blank() || line.is_comment() => return Ok(false),
                None => Role::ContinuesLoosely,
            },
        };
        match role {
            Role::Begins(key) => {
                self.all.push(Entry { key, lines: vec![line], is_loose: false });
                self.is_astray = false;
                return Ok(true);
            }
            Role::Continues if !self.is_astray => self.append(line),
            Role::Continues if line.is_blank() || line.is_comment() => {}
            Role::Continues => self.strays.push(line),
            Role::ContinuesLoosely => {
                self.check_for_colon(line)?;
                self.append_loosely(line)?;
            }
        }
        Ok(false)
    }

    fn append(&mut self, line: Line<'a>) {
        if let Some(entry) = self.all.last_mut() {
            entry.lines.push(line);
        }
    }

    /// Text that is not indented belongs to the description before it, together with lines between them that only
    /// looked like keys (`Context: ...`, `user: "..."`).
    fn append_loosely(&mut self, line: Line<'a>) -> Result<(), Box<Problem>> {
        if let Some(known) = self.all.iter().rposition(Entry::is_known)
            && self.all.get(known).is_some_and(Entry::is_free_text)
        {
            let mistaken: Vec<Entry<'a>> = self.all.drain(known + 1..).collect();
            let lines = mistaken.into_iter().flat_map(|entry| entry.lines);
            if let Some(entry) = self.all.last_mut() {
                entry.lines.extend(lines);
            }
        }
        match self.all.last_mut() {
            Some(entry) if entry.is_free_text() => {
                entry.is_loose = true;
                entry.lines.push(line);
            }
            // It may name what the agent must not have.
            Some(entry) if entry.key.key == "disallowedTools" => {
                let problem =
                    Problem::error("this line belongs to no key, but stands below 'disallowedTools'");
                let help = "write it as an item of the list, or make it a comment";
                return Err(Box::new(problem.at(line.number, 1, line.text.chars().count()).with_help(help)));
            }
            Some(_) | None => {
                self.strays.push(line);
                self.is_astray = true;
            }
        }
        Ok(())
    }

    /// `tools Read, Grep` as text would leave an agent with all tools.
    fn check_for_colon(&self, line: Line<'_>) -> Result<(), Box<Problem>> {
        let text = line.text;
        let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '：')).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if !keys::is_restricting(word) || self.outermost.contains(word) {
            return Ok(());
        }
        let rest = rest.trim_start().trim_start_matches(['=', '：']).trim();
        let problem = Problem::error(format!("a colon is missing behind '{word}'"))
            .at(line.number, 1, word.chars().count())
            .with_help("without it the agent would have more rights than its author meant")
            .with_fix(format!("{word}: {rest}"));
        Err(Box::new(problem))
    }

    fn check_for_doubles(&self) -> Result<(), Box<Problem>> {
        let mut seen = BTreeSet::new();
        match self.all.iter().find(|entry| !seen.insert(entry.key.key)) {
            None => Ok(()),
            Some(Entry { key, lines, .. }) => {
                let line = lines.first().map_or(1, |line| line.number);
                let problem = Problem::error(format!("'{}' stands twice", key.key))
                    .at(line, key.indent.chars().count() + 1, key.key.chars().count())
                    .with_help("remove one of the two");
                Err(Box::new(problem))
            }
        }
    }
}

/// Number of the line that closes a quote opened behind the key of the first line, if that is a later line and no known
/// key comes before.
fn end_of_quote(lines: &[Line<'_>]) -> Option<usize> {
    let (first, rest) = lines.split_first()?;
    let inline = first.key()?.rest.trim();
    let quote = inline.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if inline.len() > 1 && inline.ends_with(quote) {
        return None;
    }
    let is_known = |line: &&Line<'_>| {
        line.key().is_some_and(|key| key.indent.is_empty() && keys::key_use(key.key).is_some())
    };
    let before_next_key = rest.iter().take_while(|line| !is_known(line));
    before_next_key.filter(|line| line.trimmed().ends_with(quote)).map(|line| line.number).next()
}
