//! Where a session works, and what it may do there.

use std::path::{Path, PathBuf};

use codex_task_actors::SessionFacts;
use codex_task_config::{Environment, Settings, instructions, repository_root};
use codex_task_tools::{Containment, PathError, Rights, Session};
use tokio_util::sync::CancellationToken;

/// What the session may do.
pub(crate) fn rights(settings: &Settings, environment: &Environment) -> Rights {
    let policy = &settings.permissions;
    let rights = Rights::session(policy, policy.mode, &workspace(environment), environment.home());
    rights.contained(Containment::of_this_system(policy))
}

/// The session that those of tasks are derived from.
pub(crate) fn session(settings: &Settings, environment: &Environment) -> Result<Session, PathError> {
    let additional = &settings.permissions.additional_directories;
    Session::open(&workspace(environment), additional, environment.clone(), CancellationToken::new())
}

/// Agents work inside the repository that the session is in; without one, inside its directory.
fn workspace(environment: &Environment) -> PathBuf {
    repository_root(environment.cwd()).unwrap_or_else(|| environment.cwd().to_path_buf())
}

/// What every agent is told about where it works.
pub(crate) fn facts(environment: &Environment) -> SessionFacts {
    let files = instructions(environment);
    let text: Vec<String> = files
        .iter()
        .map(|f| format!("Contents of {} ({}):\n\n{}", f.path.display(), f.scope, f.text))
        .collect();
    SessionFacts {
        cwd: environment.cwd().to_path_buf(),
        is_git: repository_root(environment.cwd()).is_some_and(|root: PathBuf| Path::is_absolute(&root)),
        instructions: text.join("\n\n").into(),
    }
}
