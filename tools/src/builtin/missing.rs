//! What a model is told about a path that cannot be used as it meant to.

use std::path::Path;

use crate::{PathError, PathGuard, ToolError};

/// Entries of a directory that are compared with a missing name.
const ENTRIES_MAX: usize = 5_000;

/// Names that are offered.
const OFFERED_MAX: usize = 3;

/// Lowest similarity (Damerau-Levenshtein, normalised, case-insensitive) at which a name is offered.
const SIMILARITY_MIN: f64 = 0.6;

/// A path as a model should read it: relative to the working directory where it lies below it.
pub(super) fn shown<'a>(guard: &PathGuard, path: &'a Path) -> std::path::Display<'a> {
    match path.strip_prefix(guard.cwd()) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.display(),
        Ok(_) | Err(_) => path.display(),
    }
}

/// Why a file could not be opened, with a way on where there is one.
pub(super) fn file_error(guard: &PathGuard, error: PathError) -> ToolError {
    match &error {
        PathError::NotFound(path) => ToolError::Input(not_found(guard, path)),
        PathError::NotADirectory(path) => ToolError::Input(format!(
            "File does not exist. {} leads through a file as if it were a directory.",
            path.display()
        )),
        PathError::NotAFile { path, kind: "a directory" } => ToolError::Input(format!(
            "{} is a directory, not a file. List it with LS, or find files in it with Glob.",
            path.display()
        )),
        _ => error.into(),
    }
}

/// Why a directory could not be listed or searched.
pub(super) fn directory_error(guard: &PathGuard, error: PathError) -> ToolError {
    match &error {
        PathError::NotFound(path) => ToolError::Input(format!(
            "Directory does not exist: {}.{}",
            path.display(),
            suggestion(guard, path)
        )),
        PathError::NotADirectory(path) => ToolError::Input(format!(
            "{} is not a directory. Give the directory that it lies in, or read the file with Read.",
            path.display()
        )),
        _ => error.into(),
    }
}

fn not_found(guard: &PathGuard, path: &Path) -> String {
    format!("File does not exist.{}", suggestion(guard, path))
}

/// One sentence with a space before it.
fn suggestion(guard: &PathGuard, path: &Path) -> String {
    let similar = similar_names(guard, path);
    if !similar.is_empty() {
        return format!(" Did you mean {}?", similar.join(" or "));
    }
    match path.parent() {
        Some(parent) if !parent.is_dir() => {
            format!(" Neither does the directory {}.", parent.display())
        }
        Some(_) | None => format!(" Current working directory: {}.", guard.cwd().display()),
    }
}

/// Names beside the missing one that are most like it, the nearest first.
fn similar_names(guard: &PathGuard, missing: &Path) -> Vec<String> {
    let Some((parent, name)) = missing.parent().zip(missing.file_name()) else { return Vec::new() };
    let Ok(directory) = guard.resolve_dir(parent) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(&directory.real) else { return Vec::new() };
    let name = name.to_string_lossy().to_lowercase();
    let mut scored: Vec<(f64, String)> = entries
        .flatten()
        .take(ENTRIES_MAX)
        .filter(|entry| guard.may_read(&entry.path()))
        .filter_map(|entry| {
            let other = entry.file_name();
            let score = similarity(&name, &other.to_string_lossy().to_lowercase());
            let path = parent.join(other);
            (score >= SIMILARITY_MIN).then(|| (score, shown(guard, &path).to_string()))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.into_iter().take(OFFERED_MAX).map(|(_, name)| name).collect()
}

/// The same name with another extension is what models get wrong most.
fn similarity(name: &str, other: &str) -> f64 {
    let stem = |name: &str| Path::new(name).file_stem().map(std::ffi::OsStr::to_owned);
    if name == other {
        1.0
    } else if stem(name) == stem(other) {
        0.95
    } else {
        strsim::normalized_damerau_levenshtein(name, other)
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;

    use super::*;
    use crate::gate::testing::Bench;

    fn words(bench: &Bench, path: &str) -> String {
        let guard = &bench.session.guard;
        let error = guard.open_read(path.as_ref()).unwrap_err();
        file_error(guard, error).to_string()
    }

    #[test]
    fn a_missing_file_is_answered_with_the_names_that_are_most_like_it() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        for file in ["src/main.rs", "src/mail.rs", "src/parser.ts", "README.md"] {
            bench.file(file, "");
        }
        let root = bench.root().display().to_string();
        for (path, expected) in [
            ("src/main.py", "File does not exist. Did you mean src/main.rs?".to_owned()),
            ("src/Main.rs", "File does not exist. Did you mean src/main.rs or src/mail.rs?".to_owned()),
            ("readme.md", "File does not exist. Did you mean README.md?".to_owned()),
            ("src/zzz", format!("File does not exist. Current working directory: {root}.")),
            ("lib/x.rs", format!("File does not exist. Neither does the directory {root}/lib.")),
            (
                "src",
                format!(
                    "{root}/src is a directory, not a file. List it with LS, or find files in it with Glob."
                ),
            ),
            ("/etc/passwd", "/etc/passwd is outside the workspace".to_owned()),
        ] {
            assert_eq!(words(&bench, path), expected, "{path}");
        }
    }
}
