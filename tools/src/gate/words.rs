//! Which files the words of a command may name, for rules about paths.

use std::path::{Path, PathBuf};

use codex_task_config::{RuleBehavior, ToolName, WRITING_TOOLS};
use globset::GlobBuilder;

use super::confined::Trust;
use super::programs;
use super::rule::{CompiledRule, PathUse};
use super::verdict::Ruling;
use crate::Rights;
use crate::path::PathGuard;
use crate::shell::{SimpleCommand, Word};

/// Names that one glob may stand for before it is no longer looked at name by name.
const GLOB_NAMES_MAX: usize = 10_000;

/// What the rules about paths say about the words of one command.
pub(super) enum PathRuling {
    /// No rule that refuses is about any word.
    Clear,
    /// A rule refuses one of the files.
    Refused(Ruling),
    /// Some word stands for files that only the shell knows, while rules refuse some files.
    Unknown(String),
}

/// Judges all words of a command against the rules of one behaviour. Every word counts, whether the program reads it
/// as a file or not: a file that is denied is not worth the risk of guessing wrong.
pub(super) fn judge_words(
    words: &[Word],
    command: &SimpleCommand,
    rights: &Rights,
    guard: &PathGuard,
    behavior: RuleBehavior,
) -> PathRuling {
    let read = ToolName::new("Read");
    let edit = ToolName::new("Edit");
    let program = words.first().map(|word| word.text.as_str()).unwrap_or_default();
    let writes = programs::writes_arguments(program);
    let rules: Vec<&CompiledRule> = rights.of(behavior).collect();
    let refuses = |path: &Path| {
        let names = resolved_names(guard, path);
        let names: Vec<&Path> = names.iter().map(PathBuf::as_path).collect();
        rules.iter().find(|rule| {
            rule.names_path(&read, PathUse::Read, &names)
                || (writes && rule.names_path(&edit, PathUse::Write, &names))
        })
    };
    if programs::only_prints(program) || !refuses_some_files(rights, behavior) {
        return PathRuling::Clear;
    }
    let mut unknown = None;
    let targets = command.redirections.iter().map(|redirection| &redirection.target);
    for word in words.iter().skip(1).chain(targets) {
        if word.has_variable() {
            unknown = Some(word.text.clone());
            continue;
        }
        let candidates = if word.has_glob { globbed(word, guard) } else { Some(candidates(&word.text)) };
        match candidates {
            Some(paths) => {
                if let Some(rule) = paths.iter().find_map(|path| refuses(path)) {
                    return PathRuling::Refused(Ruling::by_rule(&rule.rule));
                }
            }
            None => unknown = Some(word.text.clone()),
        }
    }
    unknown.map_or(PathRuling::Clear, PathRuling::Unknown)
}

/// Whether any rule of this behaviour refuses reading some files.
pub(super) fn refuses_some_files(rights: &Rights, behavior: RuleBehavior) -> bool {
    rights.of(behavior).any(is_about_files)
}

/// The same, without what the sandbox keeps by itself: it reads no file or directory that a deny rule names outright.
/// What a pattern means can change while a command runs, so patterns are left.
pub(super) fn leaves_refusals(rights: &Rights, behavior: RuleBehavior, trust: Trust) -> bool {
    let is_kept = |rule: &CompiledRule| {
        matches!(trust, Trust::Sandbox(_)) && rule.denied_path().is_some_and(|path| path.place().is_some())
    };
    rights.of(behavior).any(|rule| is_about_files(rule) && !is_kept(rule))
}

fn is_about_files(rule: &CompiledRule) -> bool {
    let tool = rule.rule.tool.as_str();
    tool == "Read" || WRITING_TOOLS.contains(&tool)
}

/// The path as written and, where it lies inside, as it really is.
fn resolved_names(guard: &PathGuard, path: &Path) -> Vec<PathBuf> {
    if let Ok(resolved) = guard.resolve(path) {
        return vec![resolved.shown, resolved.real];
    }
    let shown = guard.absolute(path).ok();
    let real = shown.as_deref().and_then(|shown| std::fs::canonicalize(shown).ok());
    shown.into_iter().chain(real).collect()
}

/// The parts of a word that may be a path: all of it, after `=`, after `@` or `:`, after a short option.
pub(super) fn candidates(text: &str) -> Vec<PathBuf> {
    let after = |separator: char| text.split_once(separator).map(|(_, rest)| rest);
    let glued = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')).and_then(|rest| {
        let mut characters = rest.chars();
        characters.next().map(|_| characters.as_str())
    });
    let whole = Some(text).filter(|text| !text.starts_with('-'));
    let nested = after('=').and_then(|rest| rest.strip_prefix('@'));
    let last = text.rsplit_once('=').map(|(_, rest)| rest);
    [whole, after('='), after('@'), after(':'), glued, nested, last.filter(|last| after('=') != Some(last))]
        .into_iter()
        .flatten()
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect()
}

/// The paths that a word without a variable stands for as the operand of a program; `None` when only the shell knows.
pub(super) fn named(word: &Word, guard: &PathGuard) -> Option<Vec<PathBuf>> {
    if word.has_glob { globbed(word, guard) } else { Some(vec![PathBuf::from(&word.text)]) }
}

/// The names that a glob in the last part of a word stands for; `None` when the glob is anywhere else.
fn globbed(word: &Word, guard: &PathGuard) -> Option<Vec<PathBuf>> {
    let path = Path::new(&word.text);
    let pattern = path.file_name()?.to_str()?;
    let directory = path.parent().unwrap_or(Path::new(""));
    if directory.to_string_lossy().contains(['*', '?', '[']) || word.text.starts_with('-') {
        return None;
    }
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?.compile_matcher();
    let listed = guard.absolute(&Path::new(".").join(directory)).ok()?;
    let mut found =
        vec![directory.to_owned()].into_iter().filter(|path| path != Path::new("")).collect::<Vec<_>>();
    for (count, entry) in std::fs::read_dir(&listed).into_iter().flatten().flatten().enumerate() {
        if count >= GLOB_NAMES_MAX {
            return None;
        }
        if glob.is_match(entry.file_name()) {
            found.push(listed.join(entry.file_name()));
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_in_a_word_where_a_path_may_hide_is_a_candidate() {
        let of = |text: &str| candidates(text).iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
        assert_eq!(of("secrets/key"), ["secrets/key"]);
        assert_eq!(of("--file=secrets/key"), ["secrets/key"]);
        assert_eq!(of("-fsecrets/key"), ["secrets/key"]);
        assert_eq!(of("HEAD:secrets/key"), ["HEAD:secrets/key", "secrets/key"]);
        assert_eq!(
            of("data=@secrets/key"),
            ["data=@secrets/key", "@secrets/key", "secrets/key", "secrets/key"]
        );
        assert_eq!(of("--verbose"), Vec::<String>::new());
    }
}
