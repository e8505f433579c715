//! Repositories inside of the repository. Git enters those that its index names, whatever the command, and then does what
//! *their* settings say: a monitor, a filter, a hook. A command in the sandbox can make one anywhere below the workspace.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::git_index;
use crate::path::{PathGuard, normalised};
use crate::sandbox::git_directories;
use crate::shell::Word;

/// Entries below what `git add` is given that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// Options of `git add` that make it look at everything, and that make it add what is ignored.
const EVERYTHING: &[&str] = &["-A", "--all", "--no-ignore-removal"];

/// The repository that git works in.
struct Repository {
    top: PathBuf,
    /// Where its index is.
    git: PathBuf,
    /// Where its settings are, and the repositories of its submodules.
    common: PathBuf,
}

/// Says why git would follow settings that an agent may have written: its index names a repository that is not kept in
/// the protected directory of this one.
pub(super) fn entered(guard: &PathGuard) -> Option<String> {
    let repository = Repository::around(guard.cwd())?;
    let Ok(gitlinks) = git_index::gitlinks(&repository.git) else {
        return Some("git's index cannot be read, so what git would enter is not known".to_owned());
    };
    let place = gitlinks.into_iter().find(|path| repository.is_loose(&repository.top.join(path)))?;
    Some(format!("git would enter '{}', a repository with settings of its own", place.display()))
}

/// Says why `git add` would make git enter such a repository from then on.
pub(super) fn added(arguments: &[Word], guard: &PathGuard) -> Option<String> {
    let repository = Repository::around(guard.cwd())?;
    let words = || arguments.iter().skip(1).map(|word| word.text.as_str());
    let forces = words().any(|text| text == "--force" || is_cluster_with(text, 'f'));
    let everything = words().any(|text| EVERYTHING.contains(&text) || is_cluster_with(text, 'A'));
    let operands = words().filter(|text| !text.starts_with('-'));
    let mut places: Vec<PathBuf> = operands
        .map(|text| {
            let is_pattern = text.starts_with(':') || text.contains(['*', '?', '[', '\\']);
            if is_pattern { repository.top.clone() } else { normalised(&guard.cwd().join(text)) }
        })
        .collect();
    if everything || places.is_empty() {
        places.push(repository.top.clone());
    }
    places.iter().find_map(|place| repository.loose_below(place, forces))
}

impl Repository {
    fn around(directory: &Path) -> Option<Self> {
        let (top, marker) = directory
            .ancestors()
            .map(|top| (top, top.join(".git")))
            .find(|(_, marker)| marker.symlink_metadata().is_ok())?;
        let directories = if marker.is_dir() { vec![marker] } else { git_directories(&marker) };
        let mut directories = directories.into_iter().filter_map(|path| std::fs::canonicalize(path).ok());
        let git = directories.next()?;
        let common = directories.next().unwrap_or_else(|| git.clone());
        Some(Self { top: top.to_owned(), git, common })
    }

    /// Whether a directory is a repository that this one does not keep: its settings lie where agents write.
    fn is_loose(&self, directory: &Path) -> bool {
        let marker = directory.join(".git");
        match marker.symlink_metadata() {
            Err(_) => false,
            Ok(metadata) if metadata.is_file() => {
                let kept = git_directories(&marker);
                kept.is_empty() || !kept.iter().all(|path| path.starts_with(&self.common))
            }
            Ok(_) => true,
        }
    }

    /// A loose repository at a place or below it. What is ignored is not looked into unless it is added all the same.
    fn loose_below(&self, place: &Path, forces: bool) -> Option<String> {
        if !place.is_dir() {
            return None;
        }
        let mut walk = WalkBuilder::new(place);
        walk.standard_filters(false).follow_links(false);
        if !forces {
            walk.git_ignore(true).git_exclude(true).git_global(true).parents(true).require_git(false);
        }
        let is_outside_of_git = |entry: &ignore::DirEntry| entry.file_name() != ".git";
        let entries = walk.filter_entry(is_outside_of_git).build().flatten();
        for (count, entry) in entries.enumerate() {
            if count >= ENTRIES_MAX {
                return Some("there is too much below it to look for repositories in it".to_owned());
            }
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            if is_directory && entry.path() != self.top && self.is_loose(entry.path()) {
                let shown = entry.path().strip_prefix(&self.top).unwrap_or(entry.path());
                return Some(format!(
                    "'{}' is a repository, whose settings git would follow from then on",
                    shown.display()
                ));
            }
        }
        None
    }
}

/// Whether a cluster of short options has a letter.
fn is_cluster_with(text: &str, letter: char) -> bool {
    text.starts_with('-') && !text.starts_with("--") && text.contains(letter)
}

#[cfg(test)]
#[path = "nested_tests.rs"]
mod tests;
