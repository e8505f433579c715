//! Where a session works, and what it may do there.

use std::path::{Path, PathBuf};

use codex_task_actors::SessionFacts;
use codex_task_config::{Environment, Settings, instructions, repository_root, workspace_root};
use codex_task_tools::{PathError, Rights, Session};
use tokio_util::sync::CancellationToken;

/// What the session may do.
pub(crate) fn rights(settings: &Settings, environment: &Environment) -> Rights {
    Rights::of_session(&settings.permissions, environment)
}

/// The session that those of tasks are derived from.
pub(crate) fn session(settings: &Settings, environment: &Environment) -> Result<Session, PathError> {
    let additional = &settings.permissions.additional_directories;
    Session::open(
        &workspace_root(environment.cwd()),
        additional,
        environment.clone(),
        CancellationToken::new(),
    )
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
