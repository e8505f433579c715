//! What processes that died have left: worktrees of agents, and the private places of their commands.

use codex_task_actors::Services;
use codex_task_tools::{Sandbox, Worktrees};

/// Removes, beside everything else, the worktrees in which nothing has changed, and the places of killed processes.
pub(crate) fn tidy(services: &Services) {
    let worktrees = Worktrees::of(&services.environment);
    // Nobody waits for it; what is not done by the end of the runtime, the next one does.
    drop(services.io.spawn_blocking(move || {
        let worktrees = if worktrees.is_anything_left() { worktrees.tidy() } else { 0 };
        let places = Sandbox::tidy();
        if worktrees + places > 0 {
            tracing::debug!(worktrees, places, "what dead processes had left was removed");
        }
    }));
}
