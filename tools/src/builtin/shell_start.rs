//! Starting the shell of one command: with the user's own rights, or in the sandbox.

use std::io;
use std::path::PathBuf;

use codex_task_config::SandboxMode;
use tokio::process::Command;

use super::child_environment;
use super::process::ProcessTree;
use super::stray::{self, Mark};
use crate::gate::Confinement;
use crate::sandbox::{BASH_ARGUMENTS, ConfinedCommand, SandboxError, SandboxPolicy};
use crate::{Session, ToolError};

/// Starts a shell with a command line, held back as the gate said.
///
/// # Errors
/// [`ToolError`] when it does not start; nothing of the line has run then.
pub(super) async fn start(line: &str, session: &Session) -> Result<ProcessTree, ToolError> {
    let mark = Mark::new();
    match session.confinement {
        Confinement::Free => {
            let command = free_shell(line, session).map(|command| in_session(command, session, &mark));
            let tree = command.and_then(|command| ProcessTree::start(command, mark));
            tree.map_err(|error| not_started(session, &error))
        }
        Confinement::Sandbox(mode) => confined(line, session, mode, &mark).await.map_err(|error| {
            let help = error.help().map(|help| format!("\nSuggestion: {help}")).unwrap_or_default();
            ToolError::Failed(format!("The command was not started in the sandbox: {error}.{help}"))
        }),
    }
}

/// Why a shell did not start.
pub(super) fn not_started(session: &Session, error: &io::Error) -> ToolError {
    let cwd = session.cwd.display();
    ToolError::Failed(format!("The shell could not be started in {cwd}: {error}"))
}

/// Says of a command that failed in the sandbox that it was there, so that the model does not look for other reasons.
pub(super) fn explained(error: ToolError, session: &Session, closed: &[PathBuf]) -> ToolError {
    let (ToolError::Failed(text), Confinement::Sandbox(mode)) = (&error, session.confinement) else {
        return error;
    };
    let held = match mode {
        SandboxMode::ReadOnly => "it has no network and changes no file outside of $TMPDIR",
        SandboxMode::WorkspaceWrite | SandboxMode::DangerFullAccess => {
            "it has no network and changes files inside the workspace only"
        }
    };
    let closed = match closed {
        [] => String::new(),
        closed => {
            let closed: Vec<String> = closed.iter().map(|path| path.display().to_string()).collect();
            format!("; nothing new can be created directly in {}", closed.join(", "))
        }
    };
    ToolError::Failed(format!("{text}\n(The command ran in the sandbox, mode {mode}: {held}{closed}.)"))
}

/// A shell with the user's own rights, for one line.
///
/// # Errors
/// When there is none.
pub(super) fn free_shell(line: &str, session: &Session) -> io::Result<Command> {
    let shell = child_environment::shell(session);
    let mut command =
        Command::new(shell.ok_or_else(|| io::Error::other("there is no Bash on this machine"))?);
    command.args(BASH_ARGUMENTS).arg(line);
    Ok(command)
}

/// A command that nothing holds, where the session works and with what it may see.
pub(super) fn in_session(mut command: Command, session: &Session, mark: &Mark) -> Command {
    command
        .current_dir(&session.cwd)
        .env_clear()
        .envs(child_environment::variables(session))
        .env(stray::VARIABLE, mark.value(&session.environment));
    command
}

async fn confined(
    line: &str,
    session: &Session,
    mode: SandboxMode,
    mark: &Mark,
) -> Result<ProcessTree, SandboxError> {
    let sandbox = session.sandbox.open()?;
    let environment = sandbox.environment(&session.environment);
    let environment = environment.and(stray::VARIABLE, &mark.value(&session.environment));
    let command = ConfinedCommand::shell(line, &*session.cwd, environment);
    let policy = SandboxPolicy::of_session(session, mode);
    sandbox.spawn(&policy, command).await.map(ProcessTree::confined)
}
