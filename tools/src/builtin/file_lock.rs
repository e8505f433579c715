//! One writer at a time for each file, so that agents working side by side do not undo each other's edits: between
//! "is the file as it was read" and "replace it" no other agent of this process writes to it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const LOCKS_COUNT: u64 = 64;

/// Held on blocking threads only, while one file is compared and replaced. Files that share a lock wait a little longer.
static LOCKS: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

/// The same for the files of a host, which are written by futures: held while the host reads and writes one.
static HOST_LOCKS: [tokio::sync::Mutex<()>; 64] = [const { tokio::sync::Mutex::const_new(()) }; 64];

/// Waits for the other writers of a file. `None` cannot happen.
pub(super) fn lock(real: &Path) -> Option<MutexGuard<'static, ()>> {
    LOCKS.get(index_of(real)?).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Waits for the other writers of a host's file. `None` cannot happen.
///
/// # Cancel safety
/// Dropping the future gives up the place in the queue.
pub(super) async fn lock_at_host(path: &Path) -> Option<tokio::sync::MutexGuard<'static, ()>> {
    Some(HOST_LOCKS.get(index_of(path)?)?.lock().await)
}

fn index_of(path: &Path) -> Option<usize> {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    usize::try_from(hasher.finish() % LOCKS_COUNT).ok()
}
