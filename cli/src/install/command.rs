//! How a client starts our server.

use std::path::Path;

use codex_task::PermissionMode;

use crate::fault::Fault;

/// The name of our program.
const PROGRAM: &str = "codex-task";
/// The subcommand that serves.
const SUBCOMMAND: &str = "mcp";

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerCommand {
    /// Absolute path of the program.
    pub(super) program: String,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// What the arguments beat of an earlier installation.
    pub(super) beats: Beats,
}

/// What a value beats that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beats {
    /// Whatever it is.
    All,
    /// Nothing: it may have been tuned by hand.
    Nothing,
}

impl ServerCommand {
    /// This very program as a server.
    pub(super) fn of_process(mode: Option<PermissionMode>) -> Result<Self, Fault> {
        let program = std::env::current_exe().map_err(|error| {
            Fault::new("the path of this program cannot be found").because(error.to_string())
        })?;
        let program = program.into_os_string().into_string().map_err(|program| {
            Fault::new("the path of this program cannot be written to a configuration")
                .because(format!("'{}' is not UTF-8", Path::new(&program).display()))
                .suggest("install it in a directory with another name")
        })?;
        let tuned = mode.map(|mode| ["--permission-mode".to_owned(), mode.as_str().to_owned()]);
        let beats = if tuned.is_some() { Beats::All } else { Beats::Nothing };
        let arguments = [SUBCOMMAND.to_owned()].into_iter().chain(tuned.into_iter().flatten()).collect();
        Ok(Self { program, arguments, beats })
    }

    /// Whether a command of a configuration starts this server too, maybe from where it lay before.
    pub(super) fn is_same(&self, program: &str, first_argument: Option<&str>) -> bool {
        let stem = Path::new(program).file_stem().and_then(|stem| stem.to_str());
        (program == self.program || stem == Some(PROGRAM)) && first_argument == Some(SUBCOMMAND)
    }

    /// Whether the program lies where cargo builds it, and may be gone tomorrow.
    pub(super) fn is_of_build(&self) -> bool {
        ["debug", "release"]
            .iter()
            .any(|profile| self.program.ends_with(&format!("/target/{profile}/{PROGRAM}")))
    }
}
