//! Quote removal on one leaf of the syntax tree, done again by hand so that it does not rest on the grammar alone.

use std::ops::Range;

use super::{Expansion, NotUnderstood, Word};

/// Adds the text of an unquoted piece.
pub(super) fn push_bare(word: &mut Word, text: &str, span: &Range<usize>) -> Result<(), NotUnderstood> {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped != '\n' => word.text.push(escaped),
                _ => return Err(NotUnderstood::beyond("a word is continued on the next line", span.clone())),
            },
            '$' if characters.peek().is_some_and(|next| expands(*next) || matches!(next, '\'' | '"')) => {
                return Err(NotUnderstood::beyond("an expansion", span.clone()));
            }
            // An empty pair is no brace expansion: `xargs -I{}`, `find -exec cat {}`.
            '{' if characters.next_if_eq(&'}').is_some() => word.text.push_str("{}"),
            // At the beginning of a word a name in braces may be a descriptor: `{fd}>file`.
            '{' if !word.text.is_empty() && !text.contains(',') && closes_a_name(characters.clone()) => {
                word.text.push('{');
            }
            '}' if word.text.rsplit('}').next().is_some_and(|since| since.contains('{')) => {
                word.text.push('}');
            }
            '{' | '}' => return Err(NotUnderstood::beyond("a brace expansion", span.clone())),
            '`' | '(' | ')' | '<' | '>' | '|' | '&' | ';' | '\'' | '"' | ' ' | '\t' | '\n' => {
                return Err(NotUnderstood::beyond(format!("an unquoted {character:?}"), span.clone()));
            }
            _ => {
                word.has_glob |= matches!(character, '*' | '?' | '[');
                word.text.push(character);
            }
        }
    }
    Ok(())
}

/// Whether a name and a closing brace follow, which Bash leaves as they are: `stash@{0}`, `@{u}`.
fn closes_a_name(mut characters: impl Iterator<Item = char>) -> bool {
    characters.find(|character| !(character.is_ascii_alphanumeric() || *character == '_')) == Some('}')
}

/// Adds the text of `'...'`.
pub(super) fn push_single_quoted(
    word: &mut Word,
    text: &str,
    span: &Range<usize>,
) -> Result<(), NotUnderstood> {
    let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    match inner {
        Some(inner) if !inner.contains('\'') => {
            word.text.push_str(inner);
            Ok(())
        }
        _ => Err(NotUnderstood::beyond("an unusual quotation", span.clone())),
    }
}

/// Adds the text of `"..."`. Plain `$NAME` and `$?` are kept; every other expansion is not understood.
pub(super) fn push_double_quoted(
    word: &mut Word,
    text: &str,
    span: &Range<usize>,
) -> Result<(), NotUnderstood> {
    let beyond = |reason: &str| Err(NotUnderstood::beyond(reason, span.clone()));
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else { return beyond("an unusual quotation") };
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('$' | '`' | '"' | '\\')) => word.text.push(escaped),
                Some('\n') | None => return beyond("a string is continued on the next line"),
                Some(other) => word.text.extend(['\\', other]),
            },
            '`' => return beyond("a command substitution"),
            '"' => return beyond("an unusual quotation"),
            '$' => match characters.peek() {
                Some(next) if is_name_start(*next) => {
                    word.expansion = Expansion::Variable;
                    word.text.push('$');
                }
                Some('?') => {
                    word.expansion = word.expansion.max(Expansion::Status);
                    word.text.push('$');
                }
                Some(next) if expands(*next) => return beyond("an expansion"),
                _ => word.text.push('$'),
            },
            _ => word.text.push(character),
        }
    }
    Ok(())
}

/// Adds `$NAME` or `$?` outside quotes.
pub(super) fn push_variable(word: &mut Word, text: &str, span: &Range<usize>) -> Result<(), NotUnderstood> {
    let name = text.strip_prefix('$').unwrap_or_default();
    let is_name =
        name.starts_with(is_name_start) && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    let expansion = match name {
        "?" => Expansion::Status,
        _ if is_name => Expansion::Variable,
        _ => return Err(NotUnderstood::beyond("an expansion", span.clone())),
    };
    word.expansion = word.expansion.max(expansion);
    word.text.push_str(text);
    Ok(())
}

fn is_name_start(character: char) -> bool {
    character == '_' || character.is_ascii_alphabetic()
}

/// Whether `$` before this character means more than a dollar sign.
fn expands(next: char) -> bool {
    next.is_ascii_alphanumeric() || "_{([@*#?$!-".contains(next)
}
