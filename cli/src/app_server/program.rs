//! Which Codex is started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use codex_task::Environment;
use tokio::process::Command;
use tokio::time::timeout;

use crate::fault::Fault;

/// The oldest version that is known to take tools from its front end in the form that we send.
const VERSION_MIN: (u32, u32) = (0, 169);
/// The version of a Codex that somebody has built from its sources.
const VERSION_OF_SOURCES: (u32, u32) = (0, 0);
/// Time for a program to say its version.
const VERSION_TIME_MAX: Duration = Duration::from_secs(5);
/// How Codex is installed, or brought up to date.
const INSTALL: &str = "install it with `npm install -g @openai/codex@latest`, or name it with --codex PATH";

/// The program that was named, or else the one on the PATH.
///
/// # Errors
/// A [`Fault`] that says how to install it.
pub(super) fn find(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, Fault> {
    if let Some(named) = named {
        let path = environment.cwd().join(named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(missing(format!("there is no file {}", named.display())))
        };
    }
    let path = environment.get("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(path).map(|directory| directory.join(name()));
    candidates
        .find(|program| program.is_file())
        .ok_or_else(|| missing("there is no `codex` on the PATH".to_owned()))
}

fn name() -> &'static str {
    if cfg!(windows) { "codex.cmd" } else { "codex" }
}

fn missing(cause: String) -> Fault {
    Fault::new("the Codex CLI was not found")
        .because(cause)
        .suggest(INSTALL)
        .fall_back("`codex-task exec` runs a prompt with the same agents and without Codex")
}

/// Refuses a version that would leave the tools out without a word. What introduces itself otherwise is believed.
///
/// # Errors
/// A [`Fault`] that says how to get another one.
pub(super) fn check(user_agent: &str) -> Result<(), Fault> {
    user_agent.split_once('/').map_or(Ok(()), |(_, rest)| check_version(rest))
}

/// Why a Codex could not be worked with: perhaps it is too old, which it does not say by itself.
pub(super) async fn explain(fault: Fault, program: &Path, environment: &Environment) -> Fault {
    let mut command = Command::new(program);
    command.arg("--version").envs(environment.variables()).current_dir(environment.cwd()).kill_on_drop(true);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    match timeout(VERSION_TIME_MAX, command.output()).await {
        // `codex-cli 0.98.0`
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stdout);
            let version = text.trim().rsplit(' ').next().unwrap_or_default();
            check_version(version).err().unwrap_or(fault)
        }
        Ok(Err(_)) | Err(_) => fault,
    }
}

fn check_version(text: &str) -> Result<(), Fault> {
    match version(text) {
        Some(found) if found < VERSION_MIN && found != VERSION_OF_SOURCES => {
            Err(too_old(&format!("it is version {}.{}", found.0, found.1)))
        }
        Some(_) | None => Ok(()),
    }
}

/// A Codex without what we need.
pub(super) fn too_old(cause: &str) -> Fault {
    let (major, minor) = VERSION_MIN;
    Fault::new("this Codex is too old")
        .because(format!("{cause}; front ends can bring tools along since {major}.{minor}"))
        .suggest(INSTALL)
        .fall_back("`codex-task install codex` offers the tool to any version, over MCP")
}

/// `0.169.0 (Debian ...)`
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_that_is_known_to_be_too_old_is_refused() {
        for (agent, is_fine) in [
            ("codex-task/0.169.0 (Debian 12.0.0; x86_64) unknown (codex-task; 0.1)", true),
            ("codex-task/1.2.0-alpha.1", true),
            ("codex-task/0.0.0", true),
            ("somebody else", true),
            ("codex-task/0.98.0 (Mac OS)", false),
            ("codex-task/0.168.9", false),
        ] {
            assert_eq!(check(agent).is_ok(), is_fine, "{agent}");
        }
    }
}
