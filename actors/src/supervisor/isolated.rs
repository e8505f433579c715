//! An agent's place apart from the session's own files: settled when the task is planned, made when the agent starts (in
//! its slot and on its time), left when it ends. One for all incarnations of a task.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_tools::{Leaving, ToolSet, Worktree, WorktreeError, Worktrees};
use tokio::sync::OnceCell;

use super::services::{Services, SessionFacts};
use crate::io_runtime::IoRuntime;
use crate::task::{KeptWorktree, TaskError, TaskId};

/// See the module.
pub(crate) struct Isolated {
    worktrees: Worktrees,
    name: String,
    path: PathBuf,
    io: IoRuntime,
    /// Made by the first incarnation. Dropped with the last one, it is left as by [`Isolated::leave`].
    worktree: OnceCell<Arc<Worktree>>,
}

impl Isolated {
    /// The place of a task.
    ///
    /// # Errors
    /// [`TaskError::NoWorktree`] outside of a repository.
    pub(super) fn of(services: &Services, task: TaskId) -> Result<Arc<Self>, TaskError> {
        let worktrees = Worktrees::of(&services.environment);
        let name = format!("agent-{task}");
        let path = worktrees.path(&name).ok_or_else(|| refused(&WorktreeError::NoRepository))?;
        let io = services.io.clone();
        Ok(Arc::new(Self { worktrees, name, path, io, worktree: OnceCell::new() }))
    }

    /// What an agent is told about where it works.
    pub(super) fn facts(&self, session: &SessionFacts) -> SessionFacts {
        SessionFacts { cwd: self.path.clone(), is_git: true, ..session.clone() }
    }

    /// Makes the place, and gives the tools in it.
    ///
    /// # Errors
    /// [`TaskError::NoWorktree`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves a place that is just being made to be removed by whoever makes it.
    pub(crate) async fn enter(&self, tools: &ToolSet) -> Result<ToolSet, TaskError> {
        let made = self.worktree.get_or_try_init(|| async {
            let (worktrees, name) = (self.worktrees.clone(), self.name.clone());
            // A worktree that nobody waits for any longer is left when it is dropped there.
            let made = self.io.spawn_blocking(move || worktrees.open(&name)).await;
            match made {
                Ok(made) => made.map(Arc::new).map_err(|error| refused(&error)),
                Err(error) => Err(refused(&WorktreeError::Refused(error.to_string()))),
            }
        });
        let worktree = made.await?;
        let moved = tools.session().moved_to(worktree.path());
        let session = moved.map_err(|error| refused(&WorktreeError::Refused(error.to_string())))?;
        Ok(tools.moved_to(session))
    }

    /// Leaves the place; gives what is left in it.
    pub(crate) async fn leave(&self) -> Option<KeptWorktree> {
        let worktree = Arc::clone(self.worktree.get()?);
        let kept = self.whereabouts()?;
        let leaving = self.io.spawn_blocking(move || worktree.leave()).await;
        // Where nobody can tell, it is better to look.
        (!matches!(leaving, Ok(Leaving::Removed))).then_some(kept)
    }

    /// Where the place is, once it was made.
    pub(super) fn whereabouts(&self) -> Option<KeptWorktree> {
        let worktree = self.worktree.get()?;
        Some(KeptWorktree { path: worktree.path().to_owned(), branch: worktree.branch().to_owned() })
    }
}

fn refused(error: &WorktreeError) -> TaskError {
    TaskError::NoWorktree { reason: error.to_string(), help: error.help().to_owned() }
}
