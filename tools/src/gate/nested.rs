//! Repositories inside of the repository. Git enters those that its index names, whatever the command, and then does what
//! *their* settings say: a monitor, a filter, a hook. A command in the sandbox can make one anywhere below the workspace.

use std::path::Path;

use ignore::WalkBuilder;

use crate::path::{PathGuard, normalised};
use crate::repository::Repository;
use crate::shell::Word;

/// Entries below what `git add` is given that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// Says why git would follow settings that an agent may have written: its index names a repository that is not kept in
/// the protected directory of this one.
pub(super) fn entered(guard: &PathGuard) -> Option<String> {
    let repository = Repository::around(guard.cwd())?;
    let Ok(entered) = repository.entered() else {
        return Some("git's index cannot be read, so what git would enter is not known".to_owned());
    };
    let place = entered.into_iter().find(|path| repository.is_loose(path))?;
    let shown = place.strip_prefix(&repository.top).unwrap_or(&place);
    Some(format!("git would enter '{}', a repository with settings of its own", shown.display()))
}

/// Says why `git add` would make git enter such a repository from then on.
pub(super) fn added(arguments: &[Word], guard: &PathGuard) -> Option<String> {
    let repository = Repository::around(guard.cwd())?;
    let mut texts = arguments.iter().skip(1).map(|word| word.text.as_str());
    let (mut forces, mut operands) = (false, Vec::new());
    while let Some(text) = texts.next() {
        match text.strip_prefix('-') {
            Some("-") => operands.extend(texts.by_ref()),
            Some(option) => forces |= is_force(option),
            None => operands.push(text),
        }
    }
    let is_pattern = |text: &str| text.starts_with(':') || text.contains(['*', '?', '[', '\\']);
    // Without operands it is everything, or what stands in a file.
    let place = |text: &str| if is_pattern(text) { repository.top.clone() } else { guard.cwd().join(text) };
    let places = match operands.as_slice() {
        [] => vec![repository.top.clone()],
        operands => operands.iter().map(|text| normalised(&place(text))).collect(),
    };
    places.iter().find_map(|place| loose_below(&repository, place, forces))
}

/// A loose repository at a place or below it. What is ignored is not looked into unless it is added all the same.
fn loose_below(repository: &Repository, place: &Path, forces: bool) -> Option<String> {
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
        if is_directory && entry.path() != repository.top && repository.is_loose(entry.path()) {
            let shown = entry.path().strip_prefix(&repository.top).unwrap_or(entry.path());
            return Some(format!(
                "'{}' is a repository, whose settings git would follow from then on",
                shown.display()
            ));
        }
    }
    None
}

/// Whether an option, without its first hyphen, makes `git add` take what is ignored: `f`, `vf`, `-force`, `-fo`.
fn is_force(option: &str) -> bool {
    match option.strip_prefix('-') {
        Some(name) => "force".starts_with(name),
        None => option.contains('f'),
    }
}

#[cfg(test)]
#[path = "nested_tests.rs"]
mod tests;
