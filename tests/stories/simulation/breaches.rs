//! What must not have happened, from wherever it was seen: a panic in the middle of a process would be one of those that
//! the plan makes.

use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Breaches(Arc<Mutex<Vec<String>>>);

impl Breaches {
    /// Notes what must not be.
    pub(super) fn add(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Notes what must be and is not.
    pub(super) fn expect(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.add(what());
        }
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
