//! Paths for people.

use std::path::{Path, PathBuf};

use codex_task::Environment;
use codex_task_config::RuleOrigin;

/// A path as people write it: below the working directory or below `~` where it is.
pub(crate) fn shown_path(path: &Path, environment: &Environment) -> String {
    if let Ok(below) = path.strip_prefix(environment.cwd()) {
        return below.display().to_string();
    }
    match environment.home().and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => PathBuf::from("~").join(below).display().to_string(),
        None => path.display().to_string(),
    }
}

/// Where a rule or a mode stands: `.claude/settings.json:12`; one without a file comes from the command line.
pub(crate) fn shown_origin(origin: &RuleOrigin, environment: &Environment) -> String {
    match origin.path.as_deref() {
        Some(path) => {
            let line = origin.position.map(|at| format!(":{}", at.line)).unwrap_or_default();
            format!("{}{line}", shown_path(path, environment))
        }
        None => "the command line".to_owned(),
    }
}
