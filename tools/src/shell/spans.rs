//! Proves that the tokens of the syntax tree tile the command: nothing skipped, nothing split that Bash would join.

use std::ops::Range;

use super::NotUnderstood;

/// What a token is, as far as its neighbours care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    /// The number before `>` or `<`.
    Descriptor,
    /// `<`, `>` and their relatives; with `closes`, the token is complete in itself (`>&-`).
    Redirect {
        closes: bool,
    },
    /// `;`, `&&`, `|`, `&`, ...
    Separator,
    NewLine,
    Comment,
}

/// The tokens met while walking the tree.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<(Range<usize>, TokenKind)>);

impl Tokens {
    pub(super) fn push(&mut self, span: Range<usize>, kind: TokenKind) {
        self.0.push((span, kind));
    }

    /// Checks the tiling of `source`.
    pub(super) fn check(mut self, source: &str) -> Result<(), NotUnderstood> {
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let mut end = 0;
        let mut previous = TokenKind::NewLine;
        for (span, kind) in self.0 {
            let Some(gap) = source.get(end..span.start) else {
                return Err(NotUnderstood::beyond("overlapping words", span));
            };
            check_gap(gap, end)?;
            if gap.is_empty() && !may_touch(previous, kind) {
                return Err(NotUnderstood::beyond("words and operators run into each other", span));
            }
            if !gap.is_empty() && previous == TokenKind::Descriptor {
                return Err(NotUnderstood::beyond("a number stands before a redirection", span));
            }
            let text = source.get(span.clone()).unwrap_or_default();
            if kind == TokenKind::Comment && text.ends_with('\\') {
                return Err(NotUnderstood::beyond("a comment ends in a backslash", span));
            }
            (end, previous) = (span.end, kind);
        }
        check_gap(source.get(end..).unwrap_or_default(), end)
    }
}

/// Which neighbours need no white space between them.
fn may_touch(left: TokenKind, right: TokenKind) -> bool {
    use TokenKind::{Comment, Descriptor, NewLine, Redirect, Separator, Word};
    match (left, right) {
        (NewLine, _)
        | (_, NewLine)
        | (Word | Redirect { closes: true }, Separator)
        | (Word, Redirect { .. }) => true,
        (Separator, next) => next != Separator,
        (Descriptor, next) => matches!(next, Redirect { .. }),
        (Redirect { closes: false }, next) => next == Word,
        (Word | Redirect { closes: true } | Comment, _) => false,
    }
}

/// White space, or a line continued after white space, which Bash and the grammar read alike.
fn check_gap(gap: &str, start: usize) -> Result<(), NotUnderstood> {
    let mut previous = None;
    let mut characters = gap.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let continues = character == '\\'
            && matches!(previous, Some(' ' | '\t' | '\n'))
            && characters.next_if(|(_, next)| *next == '\n').is_some();
        if !continues && !matches!(character, ' ' | '\t' | '\n') {
            let span = start + at..start + at + character.len_utf8();
            return Err(NotUnderstood::beyond(format!("{character:?} is not understood here"), span));
        }
        previous = Some(if continues { '\n' } else { character });
    }
    Ok(())
}
