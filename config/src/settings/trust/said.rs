//! Where the user has said which folders they trust: never a place that a repository can write to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{FolderTrust, TrustOrigin, TrustedFolders};
use crate::{Environment, Problem};

/// Set to `1`, it trusts the folders of the session, for machines on which nobody can be asked.
pub const TRUST_VARIABLE: &str = "CODEX_TASK_TRUST";
/// Bytes that are read of Claude Code's own file, which has a history for each folder.
const CLAUDE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The part of `~/.claude.json` that concerns us.
#[derive(Default, Deserialize)]
struct ClaudeState {
    #[serde(default)]
    projects: BTreeMap<PathBuf, ClaudeProject>,
}

/// What Claude Code knows of a folder.
#[derive(Deserialize)]
struct ClaudeProject {
    #[serde(default, rename = "hasTrustDialogAccepted")]
    has_trust_dialog_accepted: bool,
}

/// Adds the session's own folders when whoever started it said so, or the process was started with the variable.
pub(in crate::settings) fn of_this_session(
    said: FolderTrust,
    environment: &Environment,
    folders: &[PathBuf],
    trusted: &mut TrustedFolders,
) {
    if said == FolderTrust::Trusted || environment.get(TRUST_VARIABLE) == Some("1") {
        for folder in folders {
            trusted.insert(folder, TrustOrigin::Session);
        }
    }
}

/// Adds what `trusted_folders` of the user's own file names. A relative path would mean another folder each time.
pub(in crate::settings) fn of_settings(
    texts: &[String],
    environment: &Environment,
    trusted: &mut TrustedFolders,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for text in texts {
        let folder = match (text.strip_prefix("~/"), environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        };
        if folder.is_absolute() {
            trusted.insert(&folder, TrustOrigin::Settings);
        } else {
            let problem = Problem::warning(format!("trusted folder '{text}' is ignored: it is relative"));
            problems.push(problem.with_help("write its whole path"));
        }
    }
    problems
}

/// Adds those of `folders` that the user has accepted in Claude Code. Its file is large and read only when it is asked; one that
/// cannot be read says nothing.
pub(in crate::settings) fn of_claude_code(
    environment: &Environment,
    folders: &[PathBuf],
    trusted: &mut TrustedFolders,
) {
    let Some(home) = environment.home() else { return };
    let state = read(&home.join(".claude.json")).unwrap_or_default();
    for folder in folders {
        let is_accepted =
            |path: &Path| state.projects.get(path).is_some_and(|project| project.has_trust_dialog_accepted);
        // The key is the path as Claude Code saw it; a link that is named there leads where the user looked.
        if folder.canonicalize().is_ok_and(|real| is_accepted(&real)) {
            trusted.insert(folder, TrustOrigin::ClaudeCode);
        }
    }
}

fn read(path: &Path) -> Option<ClaudeState> {
    // A FIFO in its place must not hold us up.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(CLAUDE_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
