//! The body of a command, read into its pieces: text, places for arguments, and shell commands.
//!
//! Places are `$ARGUMENTS`, `$ARGUMENTS[N]`, `$N` and `$name`, counted from 0. `` !`command` `` stands at the beginning
//! of the body or behind white space. Everything else is text.

use super::shell_quotes::ShellQuotes;
use super::{CommandArguments, Expansion, UnclearCommand};

/// The place of all arguments.
const ALL: &str = "ARGUMENTS";

/// A command's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A piece of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Text, or a place.
    Inline(Inline),
    /// A shell command, which may have places of its own.
    Shell(Vec<Inline>),
}

/// What can stand within a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Inline {
    Text(String),
    /// All arguments.
    All,
    /// One of them.
    One {
        index: usize,
        /// What stays there when there is no such argument.
        written: String,
    },
}

impl Template {
    /// Reads a body. `names` are those of the arguments, in their order.
    pub fn parse(text: &str, names: &[String]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut is_begun = true;
        while let Some((before, command, after)) = next_command(rest, is_begun) {
            pieces.extend(inlines(before, names).into_iter().map(Piece::Inline));
            pieces.push(Piece::Shell(inlines(command, names)));
            (rest, is_begun) = (after, false);
        }
        pieces.extend(inlines(rest, names).into_iter().map(Piece::Inline));
        Self { pieces }
    }

    /// The body with these arguments. Where it has no place for them, they stand behind it.
    pub fn expand(&self, arguments: &CommandArguments) -> Expansion {
        let mut expansion = Expansion::default();
        let mut is_placed = false;
        for piece in &self.pieces {
            match piece {
                Piece::Inline(inline) => {
                    let filled = inline.filled(arguments);
                    is_placed |= filled.is_some();
                    expansion.push_text(filled.unwrap_or_else(|| inline.written()));
                }
                Piece::Shell(inlines) => match line(inlines, arguments, &mut is_placed) {
                    Ok(line) => expansion.push_command(line),
                    Err(unclear) => expansion.push_unclear(unclear),
                },
            }
        }
        if !is_placed && !arguments.is_empty() {
            expansion.push_text(&format!("\n\nARGUMENTS: {}", arguments.text()));
        }
        expansion
    }
}

impl Inline {
    /// What an argument puts in its place for a model; `None` for a text, and for an argument that is not there.
    fn filled<'a>(&self, arguments: &'a CommandArguments) -> Option<&'a str> {
        match self {
            Self::Text(_) => None,
            Self::All => Some(arguments.text()),
            Self::One { index, .. } => arguments.word(*index),
        }
    }

    /// As it stands in the file.
    fn written(&self) -> &str {
        match self {
            Self::Text(text) | Self::One { written: text, .. } => text,
            Self::All => "$ARGUMENTS",
        }
    }
}

/// A command line with the arguments in it, each of which is a word to the shell, whatever is in it.
fn line(
    inlines: &[Inline],
    arguments: &CommandArguments,
    is_placed: &mut bool,
) -> Result<String, UnclearCommand> {
    let (mut line, mut quotes) = (String::new(), ShellQuotes::default());
    for inline in inlines {
        let word = match inline.filled(arguments) {
            None => {
                quotes.read(inline.written());
                line.push_str(inline.written());
                continue;
            }
            Some(word) => {
                *is_placed = true;
                word
            }
        };
        let filled = if *inline == Inline::All && !quotes.is_quoted() {
            arguments.words().iter().map(|word| quotes.word(word)).collect::<Option<Vec<_>>>()
        } else {
            quotes.word(word).map(|word| vec![word])
        };
        let Some(filled) = filled else {
            let written = inlines.iter().map(Inline::written).collect();
            return Err(UnclearCommand { line: written, place: inline.written().to_owned() });
        };
        line.push_str(&filled.join(" "));
        quotes.pass_word();
    }
    Ok(line)
}

/// Cuts a text at its first shell command: what stands before it, the command, what stands behind. `is_begun` says
/// whether one may stand at the very beginning.
fn next_command(text: &str, is_begun: bool) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find("!`")?;
        let (before, inside) = (text.get(..at)?, text.get(at + 2..)?);
        // Without an end here there is none further on.
        let (command, after) = inside.split_once('`')?;
        let may_begin = before.chars().next_back().map_or(is_begun, char::is_whitespace);
        if may_begin && !command.trim().is_empty() {
            return Some((before, command, after));
        }
        from = at + 2;
    }
}

/// Reads a text without shell commands.
fn inlines(text: &str, names: &[String]) -> Vec<Inline> {
    let mut inlines = Vec::new();
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('$') {
        plain.push_str(before);
        rest = if let Some((place, after)) = place(behind, names) {
            inlines.extend(text_of(&mut plain));
            inlines.push(place);
            after
        } else {
            plain.push('$');
            behind
        };
    }
    plain.push_str(rest);
    inlines.extend(text_of(&mut plain));
    inlines
}

fn text_of(plain: &mut String) -> Option<Inline> {
    (!plain.is_empty()).then(|| Inline::Text(std::mem::take(plain)))
}

/// The place that a `$` stands before, and what is left behind it.
fn place<'a>(behind: &'a str, names: &[String]) -> Option<(Inline, &'a str)> {
    let one = |index: usize, after: &'a str| {
        let written = behind.strip_suffix(after).map(|written| format!("${written}"))?;
        Some((Inline::One { index, written }, after))
    };
    if let Some(after) = behind.strip_prefix(ALL) {
        let indexed = after.strip_prefix('[').and_then(|inside| inside.split_once(']'));
        return match indexed.map(|(digits, after)| (index(digits), after)) {
            Some((Some(index), after)) => one(index, after),
            Some((None, _)) | None => Some((Inline::All, after)),
        };
    }
    let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 {
        let (digits, after) = behind.split_at_checked(digits)?;
        return if goes_on(after) { None } else { one(index(digits)?, after) };
    }
    let matching = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| Some((index, behind.strip_prefix(name.as_str())?)));
    let (index, after) =
        matching.filter(|(_, after)| !goes_on(after)).min_by_key(|(_, after)| after.len())?;
    one(index, after)
}

fn index(digits: &str) -> Option<usize> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether what stands behind a place is part of the same word, so that it is another word and no place.
fn goes_on(after: &str) -> bool {
    after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '[')
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
