//! Bash: one command line in a fresh shell.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::bash_arguments::{self, BashArguments};
use super::process::{self, Ended, Finished, OUTPUT_CHARS_MAX};
use super::schema::Kind;
use super::shell_start::{explained, not_started, start};
use crate::shell::{self, Separator};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

/// Characters that standard error gets in any case; the rest is shared.
const ERRORS_CHARS_MIN: usize = 10_000;

/// Programs whose exit code 1 is an answer, not a failure.
const ANSWERS: &[(&str, &str)] = &[
    ("grep", "no matches found"),
    ("rg", "no matches found"),
    ("diff", "the files differ"),
    ("cmp", "the files differ"),
    ("test", "the condition is false"),
];

const DESCRIPTION: &str = "Runs a command line in Bash, in the working directory. Every call is a shell of its own: `cd`, variables \
    and jobs started with `&` do not last beyond it, so use absolute paths, or `cd DIR && ...` within one call; set \
    run_in_background for servers and other commands that run on, without `&`. Standard input is \
    empty, and nobody answers questions: use flags such as `-y` or `--no-edit`. Gives the output, of which at most 30000 \
    characters are kept from beginning and end, and the exit code if it is not 0. What the command leaves running is ended \
    with it. Prefer Read, Grep, Glob and Edit to cat, grep, find and sed. Quote paths with spaces.";

/// The tool.
#[derive(Debug)]
pub(super) struct BashTool {
    definition: ToolDefinition,
}

impl BashTool {
    pub(super) fn new() -> Self {
        let definition = bash_arguments::schema()
            .optional(
                "run_in_background",
                Kind::Boolean,
                "Do not wait for the command: gives an id for BashOutput and KillShell; false by default",
            )
            .define("Bash", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for BashTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Execute { command: BashArguments::of(arguments)?.command })
    }

    fn confines_commands(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments = BashArguments::of(&arguments)?;
            let time_max = arguments.time_max();
            if arguments.run_in_background {
                session.shells.make_room()?;
            }
            let tree = start(&arguments.command, session).await?;
            if arguments.run_in_background {
                let id = session.shells.start(&arguments.command, tree, session.cancel.clone())?;
                return Ok(format!("Command running in background with ID: {id}"));
            }
            let finished =
                process::run(tree, time_max).await.map_err(|error| not_started(session, &error))?;
            let replied = reply(&arguments.command, &finished, time_max);
            replied.map_err(|error| explained(error, session, &finished.closed))
        })
    }
}

/// The output as Claude Code gives it: both streams after success, exit code and errors first after a failure.
fn reply(line: &str, finished: &Finished, time_max: Duration) -> Result<String, ToolError> {
    let errors_max = OUTPUT_CHARS_MAX.saturating_sub(finished.stdout.text(OUTPUT_CHARS_MAX).chars().count());
    let stderr = finished.stderr.text(errors_max.max(ERRORS_CHARS_MIN));
    let stdout = finished.stdout.text(OUTPUT_CHARS_MAX.saturating_sub(stderr.chars().count()));
    let (stdout, stderr) = (stdout.trim_end(), stderr.trim_end());
    let left = finished.aftermath.for_model().unwrap_or_default();
    let left = left.as_str();
    let joined = |parts: &[&str]| {
        let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    };
    match finished.ended {
        Ended::TimedOut => {
            let what = format!("Command timed out after {}", in_words(time_max));
            Err(ToolError::TimedOut(joined(&[&what, stderr, stdout, left])))
        }
        // What may have got past the rules is no success, whatever the command says of itself.
        Ended::Exited(_) if finished.aftermath.unseen.is_some() => {
            Err(ToolError::Failed(joined(&[left, stderr, stdout])))
        }
        Ended::Exited(status) => match (exit_code(status), answer(line, status)) {
            (0, _) => {
                let text = joined(&[stdout, stderr, left]);
                Ok(if text.is_empty() { "(Bash completed with no output)".to_owned() } else { text })
            }
            (code, Some(answer)) => {
                let what = format!("(Exit code {code}: {answer})");
                Ok(joined(&[stdout, stderr, &what, left]))
            }
            (code, None) => {
                let what = format!("Exit code {code}");
                Err(ToolError::Failed(joined(&[&what, stderr, stdout, left])))
            }
        },
    }
}

/// As a shell counts: 128 and the signal where one ended the program.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1)
}

/// What exit code 1 says when it comes from a program that answers by it.
fn answer(line: &str, status: ExitStatus) -> Option<&'static str> {
    if status.code() != Some(1) {
        return None;
    }
    let parsed = shell::parse(line).ok()?;
    // After `&&` and `||` the code may be that of the part before.
    let last = parsed.commands.last().filter(|last| !matches!(last.after, Separator::And | Separator::Or))?;
    let program = last.program()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    ANSWERS.iter().find(|(known, _)| *known == name).map(|(_, answer)| *answer)
}

/// `2m 0s`, `10s`, `1.5s`.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, duration.subsec_millis()) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{:.1}s", duration.as_secs_f64()),
        (minutes, _) => format!("{minutes}m {}s", seconds % 60),
    }
}

#[cfg(test)]
#[path = "bash_tests.rs"]
mod tests;
