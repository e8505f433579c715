//! One command, before it is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::CommandEnvironment;

/// Where systems keep the shell.
pub(super) const BASH: &[&str] =
    &["/bin/bash", "/usr/bin/bash", "/run/current-system/sw/bin/bash", "/usr/local/bin/bash"];

/// The words before a line for `bash`. No profile or rc file is read.
pub(crate) const BASH_ARGUMENTS: [&str; 4] = ["--noprofile", "--norc", "-c", "--"];

/// A program with its arguments, its environment and where its output goes. Its input is always empty.
#[derive(Debug)]
pub struct ConfinedCommand {
    /// The program: an absolute path, or a name that is looked up in the environment's `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it begins.
    pub cwd: PathBuf,
    /// Everything that it sees of the session's environment.
    pub environment: CommandEnvironment,
    /// Where its output goes.
    pub stdout: Stdio,
    /// Where its complaints go.
    pub stderr: Stdio,
}

impl ConfinedCommand {
    /// A line for `bash`, its output read through pipes.
    pub fn shell(line: &str, cwd: impl Into<PathBuf>, environment: CommandEnvironment) -> Self {
        Self {
            program: bash(),
            arguments: BASH_ARGUMENTS.into_iter().chain([line]).map(OsString::from).collect(),
            cwd: cwd.into(),
            environment,
            stdout: Stdio::piped(),
            stderr: Stdio::piped(),
        }
    }
}

/// By its full path, so that no `PATH` can put another in its place.
fn bash() -> OsString {
    let known = BASH.iter().find(|path| Path::new(path).exists());
    known.map_or("bash", |path| path).into()
}
