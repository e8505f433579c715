//! Paths for people.

use std::path::{Path, PathBuf};

use codex_task::Environment;

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
