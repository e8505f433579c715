//! Running one hook.

use codex_task_config::{Hook, HookAction};

use super::answer::Answer;
use super::script::PROJECT;
use crate::Session;
use crate::builtin::{ProgramLine, run_user_program};

/// Bytes of an answer.
const STDOUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a refusal's reason.
const STDERR_BYTES_MAX: usize = 64 * 1024;

/// Runs a hook to its end and reads its answer.
///
/// # Cancel safety
/// Dropping the future ends the hook and every process that it started.
pub(super) async fn run(hook: &Hook, input: &[u8], session: &Session) -> Answer {
    if let Some(script) = session.scripts.changed(hook, session) {
        let script = script.display();
        return Answer::Unclear(format!(
            "its script {script} has changed since the session began; whoever changed it can start a new session"
        ));
    }
    let project = session.workspace.display().to_string();
    let variables = [(PROJECT, project.clone())];
    let limits = (hook.timeout, STDOUT_BYTES_MAX, STDERR_BYTES_MAX);
    let ran = match &hook.action {
        HookAction::Shell { command } => {
            run_user_program(ProgramLine::Shell(command), &variables, input, session, limits).await
        }
        HookAction::Program { program, args } => {
            // Without a shell nobody else puts the variable's value in.
            let filled = |text: &String| text.replace("${CLAUDE_PROJECT_DIR}", &project);
            let (program, args) = (filled(program), args.iter().map(filled).collect::<Vec<_>>());
            run_user_program(ProgramLine::Program(&program, &args), &variables, input, session, limits).await
        }
        HookAction::Unknown { kind } => {
            return Answer::Unclear(format!("hooks of the kind '{}' do not exist here", kind.escape_debug()));
        }
    };
    match ran {
        Ok(output) => Answer::of(hook, &output),
        Err(error) => Answer::Unclear(format!("it did not start: {error}")),
    }
}
