//! Why a command line was not taken apart.

use std::ops::Range;

/// How much is known about a command that was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NotUnderstoodKind {
    /// Not a command line at all: an open quote, a missing operand.
    Syntax,
    /// Valid, or may be, but beyond the part of Bash that is judged here.
    Beyond,
}

/// A command line that is not judged in parts, with the first place that stood in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct NotUnderstood {
    /// Broken or only beyond us.
    pub(crate) kind: NotUnderstoodKind,
    /// What stood in the way: lower case, no full stop.
    pub(crate) reason: String,
    /// Where, in bytes of the command.
    pub(crate) span: Range<usize>,
}

impl NotUnderstood {
    pub(super) fn beyond(reason: impl Into<String>, span: Range<usize>) -> Self {
        Self { kind: NotUnderstoodKind::Beyond, reason: reason.into(), span }
    }

    pub(super) fn syntax(reason: impl Into<String>, span: Range<usize>) -> Self {
        Self { kind: NotUnderstoodKind::Syntax, reason: reason.into(), span }
    }
}
