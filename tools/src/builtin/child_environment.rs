//! Where the commands that nothing holds find programs, and what else they see of the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{CommandEnvironment, Session};

/// Where the shell is looked for when the session's path has none.
const SHELL_DIRECTORIES: &[&str] = &["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// The variables of a child process that nothing holds.
pub(super) fn variables(session: &Session) -> BTreeMap<OsString, OsString> {
    let mut variables = CommandEnvironment::of_free_command(&session.environment).into_variables();
    // Directories that came from a path have no colon in them: they can be joined.
    if let Ok(path) = std::env::join_paths(program_directories(session)) {
        variables.insert("PATH".into(), path);
    }
    variables
}

/// The Bash that commands run in, from a place that no agent can write to.
pub(super) fn shell(session: &Session) -> Option<PathBuf> {
    let path = program_directories(session).into_iter().filter(|directory| !is_inside(session, directory));
    let directories = path.chain(SHELL_DIRECTORIES.iter().map(PathBuf::from));
    directories.map(|directory| directory.join("bash")).find(|file| file.is_file())
}

/// The session's `PATH` without relative entries, and with those inside the workspace last: what an agent puts there
/// must not stand in for a program of the system.
fn program_directories(session: &Session) -> Vec<PathBuf> {
    let directories = CommandEnvironment::directories(session.environment.get("PATH")).into_iter();
    let (inside, outside): (Vec<PathBuf>, Vec<PathBuf>) =
        directories.partition(|directory| is_inside(session, directory));
    outside.into_iter().chain(inside).collect()
}

fn is_inside(session: &Session, directory: &Path) -> bool {
    session.guard.resolve(directory).is_ok()
}

#[cfg(test)]
mod tests {
    use codex_task_config::{Environment, PermissionMode};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::gate::testing::Bench;

    fn session(bench: &Bench, variables: &[(&str, &str)]) -> Session {
        let environment = Environment::new(bench.root(), variables.iter().copied());
        Session::open(bench.root(), &[], environment, CancellationToken::new()).unwrap()
    }

    #[test]
    fn programs_of_the_workspace_never_come_before_those_of_the_system() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        bench.file("bin/bash", "");
        let inside = bench.root().join("bin").display().to_string();
        let session = session(&bench, &[("PATH", &format!("{inside}:.:relative::/usr/bin:/bin"))]);
        let path = variables(&session).into_iter().find(|(name, _)| name == "PATH").unwrap().1;
        assert_eq!(path, OsString::from(format!("/usr/bin:/bin:{inside}")));
        assert!(!is_inside(&session, &shell(&session).unwrap()));
    }

    #[test]
    fn a_path_of_relative_entries_alone_does_not_lead_into_the_workspace() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        let session = session(&bench, &[("PATH", ".:bin:")]);
        let path = variables(&session).into_iter().find(|(name, _)| name == "PATH").unwrap().1;
        assert_eq!(path, OsString::from("/usr/local/bin:/usr/bin:/bin"));
    }
}
