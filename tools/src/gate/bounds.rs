//! Which words of a command leave the workspace or touch what is protected, for programs that write, send or run the
//! files that they are given.

use std::path::Component;

use super::words::candidates;
use super::{git, programs};
use crate::path::{PathGuard, Protection};
use crate::shell::Word;

/// What every process has and nobody owns.
const STREAMS: &[&str] = &["/dev/null", "/dev/stderr", "/dev/stdin", "/dev/stdout"];

/// Says why a word from `free_from` on, which a rule's wildcard matched, needs a yes of its own.
pub(super) fn left(words: &[Word], free_from: usize, guard: &PathGuard) -> Option<String> {
    let (words, free_from) = programs::effective(words, free_from);
    let (program, arguments) = words.split_first()?;
    let free = words.get(free_from.max(1)..).unwrap_or_default();
    match program.text.as_str() {
        "git" => {
            if let Some(place) = planted_repository(guard) {
                return Some(format!("'{place}' looks like a repository with settings of its own"));
            }
            free_of_git(arguments, free)
                .find_map(|word| judged(&word.text, git::changes_files(arguments), guard))
        }
        name if programs::is_path_bound(name) => {
            let texts = free.iter().map(|word| word.text.as_str());
            let is_file =
                |text: &&str| !text.contains("://") && !(programs::is_remote(name) && is_elsewhere(text));
            texts.filter(is_file).find_map(|text| {
                if matches!(name, "tar" | "bsdtar" | "gtar") && is_elsewhere(text) {
                    return Some(format!("'{text}' makes '{name}' call another machine"));
                }
                let paths = candidates(text);
                let mut paths = paths.iter().filter_map(|path| path.to_str());
                paths.find_map(|path| judged(path, /*writes*/ true, guard))
            })
        }
        _ => None,
    }
}

/// A directory between the working directory and the next repository above it that git would take for a bare one.
///
/// Its `config` decides what git runs, and unlike `.git` it consists of files that anyone may write.
pub(super) fn planted_repository(guard: &PathGuard) -> Option<String> {
    let inside = |path: &&std::path::Path| guard.roots().any(|root| path.starts_with(root));
    let mut directories = guard.cwd().ancestors().take_while(inside);
    directories
        .find_map(|directory| {
            let has = |name: &str| directory.join(name).symlink_metadata().is_ok();
            if has("HEAD") && has("objects") && has("refs") {
                return Some(Some(directory.display().to_string()));
            }
            has(".git").then_some(None)
        })
        .flatten()
}

/// Operands of git that may be files; the pattern of `grep` is none.
fn free_of_git<'a>(arguments: &'a [Word], free: &'a [Word]) -> impl Iterator<Item = &'a Word> {
    let mut operands = arguments.iter().filter(|word| !word.text.starts_with('-'));
    let is_grep = operands.next().is_some_and(|word| word.text == "grep");
    let pattern = operands.next().filter(|_| is_grep);
    free.iter().filter(move |word| !word.text.starts_with('-') && pattern != Some(word))
}

fn judged(text: &str, writes: bool, guard: &PathGuard) -> Option<String> {
    if text.is_empty()
        || text.contains("://")
        || text.contains(char::is_whitespace)
        || STREAMS.contains(&text)
    {
        return None;
    }
    let path = std::path::Path::new(text);
    let may_leave =
        text.starts_with(['/', '~']) || path.components().any(|part| part == Component::ParentDir);
    match guard.resolve(path) {
        Ok(resolved) if writes && guard.protection(&resolved) != Protection::None => {
            Some(format!("'{text}' is protected"))
        }
        Ok(_) => None,
        Err(_) if may_leave || path.symlink_metadata().is_ok() => {
            Some(format!("'{text}' is outside the workspace"))
        }
        Err(_) => None,
    }
}

/// `HOST:PATH`: a colon before any slash.
fn is_elsewhere(text: &str) -> bool {
    text.split('/').next().is_some_and(|head| head.contains(':'))
}
