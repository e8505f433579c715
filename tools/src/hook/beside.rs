//! Hooks that nobody waits for. They belong to the session, not to the agent that they are told of: one that is told of an
//! agent's end runs on when that has ended.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Hooks that run at once.
const RUNNING_MAX: usize = 32;

/// The hooks that run beside the agents of a session. Clones share them; they end when the last clone is dropped.
#[derive(Clone, Default)]
pub(crate) struct HooksBeside {
    /// Held while one is started or waited for is taken out, never across an await.
    running: Arc<Mutex<JoinSet<()>>>,
}

impl HooksBeside {
    /// Lets a hook run; whether there was room for it. Must be called on the runtime that it is to run on.
    pub(super) fn start(&self, hook: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        let has_room = running.len() < RUNNING_MAX;
        if has_room {
            running.spawn_on(hook, &Handle::current());
        }
        has_room
    }

    /// Waits for those that run, at most so long, and ends the rest. None is started while it waits that it knows of.
    ///
    /// # Cancel safety
    /// Dropping the future ends them at once.
    pub(crate) async fn finish(&self, time_max: Duration) {
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while running.join_next().await.is_some() {} };
        // Those that are left end with the set.
        let _ = tokio::time::timeout(time_max, all).await;
    }
}

impl fmt::Debug for HooksBeside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "{} hooks", running.len())
    }
}
