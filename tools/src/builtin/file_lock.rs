//! One writer at a time for each file, so that agents working side by side do not undo each other's edits: between
//! "is the file as it was read" and "replace it" no other agent of this process writes to it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const LOCKS_COUNT: u64 = 64;

/// Held on blocking threads only, while one file is compared and replaced. Files that share a lock wait a little longer.
static LOCKS: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

/// Waits for the other writers of a file. `None` cannot happen.
pub(super) fn lock(real: &Path) -> Option<MutexGuard<'static, ()>> {
    let mut hasher = DefaultHasher::new();
    real.hash(&mut hasher);
    let index = usize::try_from(hasher.finish() % LOCKS_COUNT).ok()?;
    LOCKS.get(index).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
}
