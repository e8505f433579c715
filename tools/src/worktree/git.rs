//! Our own calls of git. A repository's configuration may come from anybody, so nothing in it may make git run a program:
//! no hooks, no file system monitor, no filters, no fetching of what is missing.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use codex_task_config::Environment;

use super::WorktreeError;
use crate::CommandEnvironment;

/// What holds for every call, whatever the repository says.
const ALWAYS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.askPass=",
    "credential.helper=",
    "protocol.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
];

/// The keys of a filter that run a program, or insist on it.
const FILTER_KEYS: &str = r"^filter\..*\.(clean|smudge|process|required)$";
/// Scopes whose filters are the user's own.
const OWN_SCOPES: [&str; 3] = ["system", "global", "command"];

/// Variables that a call sees; among them none that leads git elsewhere.
const VARIABLES: [&str; 4] = ["HOME", "XDG_CONFIG_HOME", "USER", "TMPDIR"];

/// A place in a repository.
#[derive(Debug)]
pub(super) struct Whereabouts {
    /// The real path of the tree of files.
    pub(super) top: Option<PathBuf>,
    /// The real path of the directory that all worktrees share.
    pub(super) common: Option<PathBuf>,
    /// Git's own directory for this tree.
    pub(super) own: String,
}

/// Git in one repository.
#[derive(Clone, Debug)]
pub(super) struct Git {
    program: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// The repository's root.
    root: PathBuf,
    /// Settings that switch the repository's filters off.
    without_filters: Vec<OsString>,
}

impl Git {
    /// Git for a repository, once its filters are known. Blocks.
    ///
    /// # Errors
    /// [`WorktreeError`].
    pub(super) fn open(root: &Path, environment: &Environment) -> Result<Self, WorktreeError> {
        let mut directories = CommandEnvironment::directories(environment.get("PATH"));
        // A program of the repository must not stand in for the system's.
        directories.retain(|directory| !directory.starts_with(root));
        let program = directories.iter().map(|directory| directory.join("git")).find(|file| file.is_file());
        let none = || io::Error::new(io::ErrorKind::NotFound, "there is no git in PATH");
        let program = program.ok_or_else(|| WorktreeError::NoGit(none()))?;
        let own = VARIABLES.iter().filter_map(|name| Some(((*name).into(), environment.get(name)?.into())));
        let mut variables: Vec<(OsString, OsString)> = own.collect();
        variables.push(("PATH".into(), std::env::join_paths(directories).unwrap_or_default()));
        // A folder with an empty `.git` must not be taken for a part of the repository above it.
        let above = root.parent().unwrap_or(root);
        variables.push(("GIT_CEILING_DIRECTORIES".into(), above.into()));
        for (name, value) in [
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("LC_ALL", "C"),
        ] {
            variables.push((name.into(), value.into()));
        }
        let mut git = Self { program, variables, root: root.to_owned(), without_filters: Vec::new() };
        git.without_filters = git.filters()?;
        Ok(git)
    }

    /// Runs git in the repository's root, and gives what it says. Blocks.
    ///
    /// # Errors
    /// [`WorktreeError::Refused`] with git's own words.
    pub(super) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<String, WorktreeError> {
        let output = self.output(arguments).map_err(WorktreeError::NoGit)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
        }
        Err(WorktreeError::Refused(said(&output)))
    }

    /// Where git thinks that it is, seen from a directory. Blocks.
    ///
    /// # Errors
    /// [`WorktreeError::Refused`] where there is no repository with files, or its paths cannot be told apart.
    pub(super) fn whereabouts(&self, directory: &Path) -> Result<Whereabouts, WorktreeError> {
        let words = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"];
        let mut arguments: Vec<&OsStr> = vec!["-C".as_ref(), directory.as_ref()];
        arguments.extend(words.iter().map(OsStr::new));
        arguments.push("--absolute-git-dir".as_ref());
        let answer = self.run(&arguments)?;
        match answer.lines().collect::<Vec<_>>().as_slice() {
            [top, common, own] => Ok(Whereabouts {
                top: Path::new(top).canonicalize().ok(),
                common: Path::new(common).canonicalize().ok(),
                own: (*own).to_owned(),
            }),
            _ => Err(WorktreeError::Refused("a line break is in the repository's path".to_owned())),
        }
    }

    fn output<A: AsRef<OsStr>>(&self, arguments: &[A]) -> io::Result<Output> {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command.current_dir(&self.root);
        for setting in ALWAYS.iter().map(OsStr::new).chain(self.without_filters.iter().map(AsRef::as_ref)) {
            command.arg("-c").arg(setting);
        }
        command.args(arguments).output()
    }

    /// Settings that switch off every filter that the repository itself defines.
    fn filters(&self) -> Result<Vec<OsString>, WorktreeError> {
        let arguments = ["config", "--includes", "--show-scope", "--null", "--name-only", "--get-regexp"];
        let arguments: Vec<&str> = arguments.into_iter().chain([FILTER_KEYS]).collect();
        let output = self.output(&arguments).map_err(WorktreeError::NoGit)?;
        match output.status.code() {
            Some(0) => {}
            // There are none.
            Some(1) => return Ok(Vec::new()),
            _ if said(&output).contains("not a git repository") => return Err(WorktreeError::NoRepository),
            _ => return Err(WorktreeError::Refused(said(&output))),
        }
        let text = String::from_utf8(output.stdout)
            .map_err(|_| WorktreeError::Refused("a filter's name cannot be read".to_owned()))?;
        let mut words = text.split('\0');
        let mut settings = Vec::new();
        while let (Some(scope), Some(key)) = (words.next(), words.next()) {
            if OWN_SCOPES.contains(&scope) {
                continue;
            }
            if key.contains('=') {
                let what = format!("the repository's setting '{key}' cannot be switched off");
                return Err(WorktreeError::Refused(what));
            }
            settings.push(format!("{key}={}", if key.ends_with(".required") { "false" } else { "" }).into());
        }
        Ok(settings)
    }
}

/// What git says was wrong, on one line.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.clone().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let line = line.or_else(|| lines.clone().next_back()).unwrap_or("git says nothing");
    line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned()
}
