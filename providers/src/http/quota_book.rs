//! What servers say about their limits when they refuse a call: an error has no room for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use codex_task_config::ModelId;

use crate::RateLimits;

/// The last words of one server about each model, until somebody asks.
#[derive(Debug, Default)]
pub(crate) struct QuotaBook(Mutex<HashMap<ModelId, RateLimits>>);

impl QuotaBook {
    /// Keeps what a refusal said, if it said anything.
    pub(crate) fn note(&self, model: &ModelId, stated: RateLimits) {
        if stated != RateLimits::default() {
            // The map is whole after every panic.
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(model.clone(), stated);
        }
    }

    /// Gives out what is kept of a model.
    pub(crate) fn take(&self, model: &ModelId) -> RateLimits {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(model).unwrap_or_default()
    }
}
