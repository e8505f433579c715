//! Finds the settings files, reads each, and merges them from weak to strong.

use std::path::{Path, PathBuf};

use super::claude_file::ClaudeFile;
use super::file::SettingsFile;
use super::merge::Merge;
use super::value::{Settings, SettingsOverrides};
use crate::workspace::project_directories;
use crate::{Environment, Problem, RuleScope};

/// The administrator's settings, which nothing overrides.
pub const MANAGED_SETTINGS: &str = "/etc/claude-code/managed-settings.json";
/// Bytes that are read of one file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Settings, the environment that they lead to, and what is wrong with their files.
#[derive(Clone, Debug)]
pub struct LoadedSettings {
    /// The settings in force.
    pub settings: Settings,
    /// The environment with the variables that settings files add.
    pub environment: Environment,
    /// What is wrong, in the order in which the files were read.
    pub problems: Vec<Problem>,
    /// The files that exist, in the order in which they were read.
    pub files: Vec<PathBuf>,
}

impl Settings {
    /// Reads all settings files of a session: the user's, the project's from the repository's root down to the
    /// working directory, then the session's own, then the administrator's.
    ///
    /// A file that cannot be read is a problem, not an error; if it could hold permissions, nothing may run.
    pub fn load(environment: &Environment, overrides: &SettingsOverrides) -> LoadedSettings {
        Self::load_with_managed(environment, overrides, Path::new(MANAGED_SETTINGS))
    }

    /// As [`Settings::load`], with another place for the administrator's file.
    pub fn load_with_managed(
        environment: &Environment,
        overrides: &SettingsOverrides,
        managed: &Path,
    ) -> LoadedSettings {
        let mut merge = Merge::new(environment);
        if let Some(home) = environment.home() {
            claude(&mut merge, &home.join(".claude/settings.json"), RuleScope::User);
        }
        if let Some(dir) = environment.config_dir() {
            own(&mut merge, &dir.join("config.yaml"), RuleScope::User);
        }
        let folders = project_directories(environment.cwd());
        merge.trust(&folders, overrides.trust);
        for dir in folders.iter().rev() {
            // The user's own directory is no project: its settings were read above.
            if Some(dir.as_path()) != environment.home() {
                claude(&mut merge, &dir.join(".claude/settings.json"), RuleScope::Project);
            }
            own(&mut merge, &dir.join("codex-task.yaml"), RuleScope::Project);
            claude(&mut merge, &dir.join(".claude/settings.local.json"), RuleScope::Local);
        }
        merge.session(overrides);
        claude(&mut merge, managed, RuleScope::Managed);
        merge.finish()
    }
}

fn claude(merge: &mut Merge, path: &Path, scope: RuleScope) {
    let Some(text) = read(merge, path) else { return };
    match ClaudeFile::parse(&text) {
        Ok(file) => merge.claude(file, &text, path, scope),
        Err(problem) => merge.broken(*problem, path),
    }
}

fn own(merge: &mut Merge, path: &Path, scope: RuleScope) {
    let Some(text) = read(merge, path) else { return };
    match SettingsFile::parse(&text) {
        Ok((parsed, problems)) => merge.own(parsed, problems, path, scope),
        Err(problem) => merge.broken(*problem, path),
    }
}

/// A file's text; `None` when there is none. One that is there and cannot be read may hold rules: nothing may run.
fn read(merge: &mut Merge, path: &Path) -> Option<String> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return None,
        Err(error) => {
            merge.broken(Problem::error(format!("cannot be read: {error}")), path);
            return None;
        }
    };
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        merge.broken(Problem::error("is no regular file of at most 1 MiB"), path);
        return None;
    }
    match std::fs::read_to_string(path) {
        Ok(text) => {
            merge.files.push(path.to_path_buf());
            Some(text)
        }
        Err(error) => {
            merge.broken(Problem::error(format!("cannot be read: {error}")), path);
            None
        }
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}
