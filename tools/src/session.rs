//! What one agent's tools share and nobody else sees.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::Environment;
use tokio_util::sync::CancellationToken;

use crate::builtin::{ReadStamps, Shells};
use crate::gate::Confinement;
use crate::hook::{HooksBeside, ScriptPins};
use crate::path::DeniedPaths;
use crate::sandbox::SandboxOfSession;
use crate::web::Lent;
use crate::{Grants, Hooks, Owner, PageReader, PathError, PathGuard, Taint, TodoList, WebSearcher};

/// One agent's tool session: where it works, with which environment, and what ends it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// Working directory of the agent's tools; absolute, inside the workspace.
    pub cwd: Arc<Path>,
    /// The workspace: tools stay inside it (and inside `additional_directories`).
    pub workspace: Arc<Path>,
    /// Directories that count as inside.
    pub additional_directories: Arc<[PathBuf]>,
    /// Environment that child processes are built from.
    pub environment: Environment,
    /// Ends every running call.
    pub cancel: CancellationToken,
    /// The only way to files.
    pub guard: PathGuard,
    /// What the agent has seen of which file.
    pub(crate) reads: ReadStamps,
    /// Commands that the agent has left running.
    pub(crate) shells: Shells,
    /// Who reads pages of the web for the agent.
    pub(crate) page_reader: Lent<dyn PageReader>,
    /// Who searches the web for the agent.
    pub(crate) web_searcher: Lent<dyn WebSearcher>,
    /// What the agent has set out to do.
    pub todos: TodoList,
    /// What untrusted texts the agent has read.
    pub taint: Taint,
    /// What the user has allowed for good, since it was last told.
    pub grants: Grants,
    /// The user's programs that are told of what the agent does.
    pub hooks: Hooks,
    /// The scripts of hooks, as they were when the session began.
    pub(crate) scripts: ScriptPins,
    /// Hooks that nobody waits for.
    pub(crate) hooks_beside: HooksBeside,
    /// Whose calls these are.
    pub owner: Owner,
    /// What holds this call's command back.
    pub confinement: Confinement,
    /// Where the agent's commands are held.
    pub(crate) sandbox: SandboxOfSession,
}

impl Session {
    /// Opens a session in `environment.cwd()`, with `~` from `environment.home()`.
    ///
    /// # Errors
    /// [`PathError`] when the workspace is no directory or the working directory lies outside it.
    pub fn open(
        workspace: &Path,
        additional_directories: &[PathBuf],
        environment: Environment,
        cancel: CancellationToken,
    ) -> Result<Self, PathError> {
        let guard =
            PathGuard::open(workspace, additional_directories, environment.cwd(), environment.home())?;
        Ok(Self {
            cwd: guard.cwd().into(),
            workspace: workspace.into(),
            additional_directories: additional_directories.into(),
            environment,
            cancel,
            guard,
            reads: ReadStamps::default(),
            shells: Shells::default(),
            page_reader: Lent::default(),
            web_searcher: Lent::default(),
            todos: TodoList::default(),
            taint: Taint::default(),
            grants: Grants::default(),
            hooks: Hooks::default(),
            scripts: ScriptPins::default(),
            hooks_beside: HooksBeside::default(),
            owner: Owner::default(),
            confinement: Confinement::Free,
            sandbox: SandboxOfSession::default(),
        })
    }

    /// The same place and environment for one task, ended by its own token. The task has read nothing yet, and has no
    /// to-do list, no hooks and no command that runs.
    #[must_use]
    pub fn for_task(&self, cancel: CancellationToken) -> Self {
        Self {
            cancel,
            reads: ReadStamps::default(),
            shells: Shells::default(),
            todos: TodoList::default(),
            taint: Taint::default(),
            grants: Grants::default(),
            hooks: Hooks::default(),
            sandbox: SandboxOfSession::default(),
            ..self.clone()
        }
    }

    /// The same session for somebody's calls.
    #[must_use]
    pub fn owned_by(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }

    /// The same session in another workspace, which is its working directory too: what the agent has begun goes on.
    ///
    /// # Errors
    /// [`PathError`] when that is no directory.
    pub fn moved_to(&self, workspace: &Path) -> Result<Self, PathError> {
        let environment = self.environment.with_cwd(workspace);
        let guard = PathGuard::open(workspace, &self.additional_directories, workspace, environment.home())?;
        Ok(Self { cwd: guard.cwd().into(), workspace: workspace.into(), environment, guard, ..self.clone() })
    }

    /// The same session with somebody who reads pages of the web for the agent, instead of whom the tool has.
    #[must_use]
    pub fn with_page_reader(self, reader: Arc<dyn PageReader>) -> Self {
        Self { page_reader: Lent(Some(reader)), ..self }
    }

    /// The same session with programs that are told of what the agent does.
    #[must_use]
    pub fn with_hooks(self, hooks: Hooks) -> Self {
        Self { hooks, ..self }
    }

    /// The same session for the calls of one turn.
    pub(crate) fn for_turn(self) -> Self {
        Self { taint: self.taint.for_turn(), ..self }
    }

    /// The same session with somebody who searches the web for the agent.
    #[must_use]
    pub fn with_web_searcher(self, searcher: Arc<dyn WebSearcher>) -> Self {
        Self { web_searcher: Lent(Some(searcher)), ..self }
    }

    /// Waits for the hooks that run beside, at most so long, and ends the rest. To be called when the session ends.
    ///
    /// # Cancel safety
    /// Dropping the future ends them at once.
    pub async fn finish_hooks(&self, time_max: Duration) {
        self.hooks_beside.finish(time_max).await;
    }

    /// Ends what the task has left running, and lets nothing more be left. To be called when the task has ended.
    pub fn close(&self) {
        self.shells.close();
    }

    /// The same session for a call that is held back like this.
    pub(crate) fn confined(&self, confinement: Confinement) -> Self {
        Self { confinement, ..self.clone() }
    }

    /// The same session with paths that no opening may reach, and others that none may change.
    pub(crate) fn denying(self, denied: DeniedPaths, unwritable: DeniedPaths) -> Self {
        Self { guard: self.guard.denying(denied, unwritable), ..self }
    }
}
