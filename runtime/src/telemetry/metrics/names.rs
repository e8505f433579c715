//! Names as labels. Models and tools may be a model's invention, and each new label costs whoever keeps the figures.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Different names of one kind that are told apart.
const NAMES_MAX: usize = 200;
/// Characters of a name.
const CHARS_MAX: usize = 80;
/// Stands for all names beyond.
const OTHER: &str = "other";

/// The names of one kind so far.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashSet<Arc<str>>>);

impl Names {
    /// The label for a name.
    pub(super) fn label(&self, name: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(name) {
            return Arc::clone(label);
        }
        if known.len() >= NAMES_MAX || name.chars().nth(CHARS_MAX).is_some() {
            return OTHER.into();
        }
        let label: Arc<str> = name.into();
        known.insert(Arc::clone(&label));
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_made_up_without_end_share_one_label() {
        let names = Names::default();
        assert_eq!(&*names.label("Read"), "Read");
        for n in 0..2 * NAMES_MAX {
            names.label(&format!("made up {n}"));
        }
        assert_eq!(&*names.label("one more"), OTHER);
        assert_eq!(&*names.label("Read"), "Read");
        assert_eq!(&*Names::default().label(&"x".repeat(CHARS_MAX + 1)), OTHER);
    }
}
