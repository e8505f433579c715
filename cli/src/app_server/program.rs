//! Which Codex is started.

use std::path::{Path, PathBuf};

use codex_task::Environment;

use crate::fault::Fault;

/// The oldest version that is known to take tools from its front end in the form that we send.
const VERSION_MIN: (u32, u32) = (0, 169);
/// The version of a Codex that somebody has built from its sources.
const VERSION_OF_SOURCES: (u32, u32) = (0, 0);
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
    match version(user_agent) {
        Some(found) if found < VERSION_MIN && found != VERSION_OF_SOURCES => Err(too_old(format!(
            "it is version {}.{}, and its front ends cannot bring tools along before {}.{}",
            found.0, found.1, VERSION_MIN.0, VERSION_MIN.1
        ))),
        Some(_) | None => Ok(()),
    }
}

/// A Codex without what we need.
pub(super) fn too_old(cause: String) -> Fault {
    Fault::new("this Codex is too old")
        .because(cause)
        .suggest(INSTALL)
        .fall_back("`codex-task install codex` offers the tool to any version, over MCP")
}

/// `codex-task/0.169.0 (Debian ...)`
fn version(user_agent: &str) -> Option<(u32, u32)> {
    let (_, rest) = user_agent.split_once('/')?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(str::parse);
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
