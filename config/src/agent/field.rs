//! One key of a frontmatter with its value and places.

use super::value::Value;
use crate::{Position, Problem};

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) value: Value,
    /// Where it stands; JSON from the command line has no places.
    pub(crate) place: Option<Place>,
    /// Why it is not read as YAML alone would read it.
    pub(super) leniency: Option<Leniency>,
}

/// Where a field stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: Position,
    pub(crate) value: Position,
    /// Last line of its value.
    pub(super) last_line: usize,
}

/// What is wrong with how a value is written, though it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leniency {
    pub(super) message: String,
    pub(super) at: Position,
}

impl Field {
    /// A problem of this field's value.
    pub(crate) fn placed(&self, problem: Problem) -> Problem {
        problem.placed(self.place.map(|place| place.value))
    }
}
