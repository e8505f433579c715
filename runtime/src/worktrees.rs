//! What agents of processes that died have left in worktrees of their own.

use codex_task_actors::Services;
use codex_task_tools::Worktrees;

/// Removes, beside everything else, the worktrees in which nothing has changed.
pub(crate) fn tidy(services: &Services) {
    let worktrees = Worktrees::of(&services.environment);
    if !worktrees.is_anything_left() {
        return;
    }
    // Nobody waits for it; what is not done by the end of the runtime, the next one does.
    drop(services.io.spawn_blocking(move || match worktrees.tidy() {
        0 => {}
        count => tracing::debug!(count, "worktrees of dead processes were removed"),
    }));
}
