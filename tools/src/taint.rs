//! What an agent has read that nobody vouches for. Such a text may tell the agent what to do, so an agent that has read
//! one is trusted with less: what leaves the workspace needs a rule that names it, or a yes.
//!
//! The calls of one turn were all chosen before the first of their results was read: a call is judged by what was known
//! when its turn began.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Texts' origins that are kept by name; that there are more changes nothing.
const SOURCES_MAX: usize = 32;
/// Characters of one of them.
const SOURCE_CHARS_MAX: usize = 200;

/// The origins of the untrusted texts that one agent has read. Clones share them; it only ever grows.
#[derive(Clone, Debug, Default)]
pub struct Taint {
    /// Held for single look-ups only.
    read: Arc<Mutex<BTreeSet<String>>>,
    /// What had been read when the turn began, for the calls of that turn.
    at_turn: Option<Arc<BTreeSet<String>>>,
}

impl Taint {
    /// Where the texts came from, sorted, e.g. `WebFetch docs.rs`; empty when the agent has read nothing untrusted.
    pub fn sources(&self) -> BTreeSet<String> {
        self.lock().clone()
    }

    /// The agent reads, or has read, what came from there.
    pub fn add(&self, sources: impl IntoIterator<Item = String>) {
        let mut read = self.lock();
        for source in sources {
            if read.len() < SOURCES_MAX {
                read.insert(source.chars().filter(|c| !c.is_control()).take(SOURCE_CHARS_MAX).collect());
            }
        }
    }

    /// The same for the calls of the turn that begins now.
    #[must_use]
    pub(crate) fn for_turn(&self) -> Self {
        Self { at_turn: Some(Arc::new(self.sources())), ..self.clone() }
    }

    /// What a call is judged by: the origins, unless there are none.
    pub(crate) fn judged_by(&self) -> Option<BTreeSet<String>> {
        let sources = match &self.at_turn {
            Some(sources) => (**sources).clone(),
            None => self.sources(),
        };
        (!sources.is_empty()).then_some(sources)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str) -> [String; 1] {
        [source.to_owned()]
    }

    #[test]
    fn what_was_read_stays_and_a_turn_is_judged_by_what_was_known_when_it_began() {
        let taint = Taint::default();
        let turn = taint.for_turn();
        turn.add(named("WebFetch a.example"));
        assert_eq!(turn.judged_by(), None, "its calls were chosen before");
        assert_eq!(taint.judged_by(), Some(named("WebFetch a.example").into()));
        assert_eq!(taint.for_turn().judged_by(), taint.judged_by());
    }

    #[test]
    fn origins_are_bounded_and_hide_nothing() {
        let taint = Taint::default();
        taint.add((0..100).map(|n| format!("{n}\n{}", "x".repeat(1_000))));
        let sources = taint.sources();
        assert_eq!(sources.len(), SOURCES_MAX);
        assert!(sources.iter().all(|source| source.len() <= SOURCE_CHARS_MAX && !source.contains('\n')));
    }
}
