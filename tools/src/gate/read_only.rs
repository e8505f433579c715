//! The commands that run without a rule: they only read, and only inside the workspace.
//!
//! A command passes when its program is in the table, every option is listed there, every word is literal, and every
//! file that it names exists inside the workspace, is not denied and does not usually hold secrets.

use std::path::Path;

use codex_task_config::RuleBehavior;

use super::hazard_table::lists;
use super::read_only_table::{FILE_OPTIONS, GIT, GIT_LONG, Operands, READERS, Reader, SEARCHERS, SECRETS};
use super::verdict::Ruling;
use super::words::refuses_some_files;
use super::{Decision, bounds, nested, programs};
use crate::Rights;
use crate::path::PathGuard;
use crate::shell::{Expansion, Word};

/// The verdict on a command that no rule allows.
pub(super) fn judge(words: &[Word], guard: &PathGuard, rights: &Rights) -> Ruling {
    if allows(words, guard, rights) {
        Ruling::new(Decision::Allow, "only reads inside the workspace")
    } else {
        let program = words.first().map(|word| word.text.as_str()).unwrap_or_default();
        let hazard = programs::hazard(words, /*free_from*/ 1);
        let why = hazard.map_or_else(String::new, |reason| format!("; {reason}"));
        Ruling::new(Decision::Ask, format!("no rule allows this use of '{program}'{why}"))
    }
}

/// Whether a command only reads inside the workspace.
pub(super) fn allows(words: &[Word], guard: &PathGuard, rights: &Rights) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    // What `echo` prints may be a number that only the shell knows: how the last command ended.
    let is_known = |word: &Word| {
        word.is_literal() || (program.text == "echo" && !word.has_glob && word.expansion == Expansion::Status)
    };
    if !words.iter().all(is_known) {
        return false;
    }
    if program.text == "git" {
        return allows_git(arguments, guard);
    }
    let Some(reader) = READERS.iter().find(|reader| lists(reader.programs, &program.text)) else {
        return false;
    };
    let Some(operands) = operands(reader, arguments) else { return false };
    // What a search finds on its way is not judged file by file, so it stays out where some files are refused.
    let descends = arguments.iter().any(|word| word.text.starts_with('-') && word.text.contains('r'));
    if descends
        && matches!(program.text.as_str(), "grep" | "egrep" | "fgrep")
        && refuses_some_files(rights, RuleBehavior::Deny)
    {
        return false;
    }
    let mut operands = operands.into_iter();
    match reader.operands {
        Operands::None => operands.next().is_none(),
        Operands::Text => true,
        Operands::Format => operands.all(|word| word.text.starts_with('+')),
        Operands::Files => operands.all(|word| is_readable(&word.text, guard)),
        Operands::PatternThenFiles => {
            let has_pattern =
                arguments.iter().any(|word| word.text.starts_with("-e") || word.text.starts_with("--regexp"));
            operands.skip(usize::from(!has_pattern)).all(|word| is_readable(&word.text, guard))
        }
    }
}

/// The words among `free` that are files which a reading program opens; none for other programs.
pub(super) fn files_read<'a>(program: &str, arguments: &[Word], free: &'a [Word]) -> Vec<&'a Word> {
    let reader = READERS.iter().find(|reader| lists(reader.programs, program));
    let skipped = match (reader.map(|reader| reader.operands), program) {
        (Some(Operands::PatternThenFiles), _) => 1,
        (None, program) if lists(SEARCHERS, program) => 1,
        (Some(Operands::Files), _)
        | (None, "less" | "more" | "bat" | "strings" | "xxd" | "od" | "hexdump") => 0,
        (Some(Operands::None | Operands::Text | Operands::Format) | None, _) => return Vec::new(),
    };
    let is_operand = |word: &&Word| !word.text.starts_with('-');
    // With the pattern in an option, or without any, all operands are files. Where `-e x` stands apart, `x` is taken for
    // one of them, which is the safe side.
    let names_pattern = |word: &Word| {
        let text = word.text.as_str();
        let is_cluster = text.starts_with('-') && !text.starts_with("--") && text.contains(['e', 'f']);
        is_cluster
            || ["--regexp", "--file", "--expression", "--ignore-file"]
                .iter()
                .any(|option| text.starts_with(option))
    };
    let skipped = if arguments.iter().any(names_pattern) { 0 } else { skipped };
    let pattern = arguments.iter().find(is_operand).filter(|_| skipped > 0);
    free.iter().filter(is_operand).filter(|word| pattern.is_none_or(|pattern| pattern != *word)).collect()
}

/// The files that options of a reading program name: `rg --ignore-file=x`, `grep --file=x`.
pub(super) fn files_in_options<'a>(program: &str, free: &'a [Word]) -> impl Iterator<Item = &'a str> {
    let reads = READERS.iter().any(|reader| lists(reader.programs, program)) || lists(SEARCHERS, program);
    let named = free.iter().filter_map(|word| word.text.strip_prefix("--")?.split_once('='));
    named
        .filter(move |(name, _)| reads && FILE_OPTIONS.iter().any(|option| option.starts_with(name)))
        .map(|(_, path)| path)
}

/// The words that are no options; `None` when an option is not listed.
fn operands<'a>(reader: &Reader, arguments: &'a [Word]) -> Option<Vec<&'a Word>> {
    let mut found = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if text == "--" {
            found.extend(words.by_ref());
        } else if let Some(option) = text.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or(option);
            if !lists(reader.long, name) {
                return None;
            }
        } else if let Some(cluster) = text.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            if takes_next(reader, cluster)? {
                words.next()?;
            }
        } else {
            found.push(word);
        }
    }
    Some(found)
}

/// Whether the value of the last option of a cluster is the next word; `None` when a letter is not listed.
fn takes_next(reader: &Reader, cluster: &str) -> Option<bool> {
    for (at, letter) in cluster.char_indices() {
        if reader.valued.contains(letter) {
            return Some(at + letter.len_utf8() == cluster.len());
        }
        if !reader.flags.contains(letter) {
            return None;
        }
    }
    Some(false)
}

/// Standard input, or an existing file or directory inside that is neither denied nor likely to hold secrets.
fn is_readable(text: &str, guard: &PathGuard) -> bool {
    if text == "-" {
        return true;
    }
    let path = Path::new(text);
    let is_plain = !path.components().any(|part| part == std::path::Component::ParentDir);
    is_plain
        && guard.resolve(path).is_ok_and(|resolved| {
            resolved.real.exists()
                && guard.may_read(&resolved.shown)
                && guard.may_read(&resolved.real)
                && !is_secret(&resolved.shown)
                && !is_secret(&resolved.real)
        })
}

fn is_secret(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
    lists(SECRETS, &name)
        || name.starts_with(".env.")
        || extension
            .is_some_and(|extension| matches!(extension, "pem" | "key" | "p12" | "pfx" | "keystore" | "kdbx"))
        || path.components().any(|part| matches!(part.as_os_str().to_str(), Some(".ssh" | ".aws" | ".gnupg")))
}

fn allows_git(arguments: &[Word], guard: &PathGuard) -> bool {
    if bounds::planted_repository(guard).is_some() || nested::entered(guard).is_some() {
        return false;
    }
    let mut words = arguments.iter().map(|word| word.text.as_str()).skip_while(|text| *text == "--no-pager");
    let subcommand = words.next();
    let Some((_, shorts, takes_operands)) = GIT.iter().find(|(name, ..)| Some(*name) == subcommand) else {
        return false;
    };
    words.all(|text| {
        if text == "--" {
            return *takes_operands;
        }
        if let Some(option) = text.strip_prefix("--") {
            return lists(GIT_LONG, option.split('=').next().unwrap_or(option));
        }
        match text.strip_prefix('-') {
            // `-5`, `-n5`, `-U3`: digits are values, letters must be listed.
            Some(cluster) => cluster.chars().all(|c| shorts.contains(c) || c.is_ascii_digit()),
            // `git diff` compares files anywhere when one of them lies outside of the repository.
            None => *takes_operands && !text.contains("::") && guard.resolve(text.as_ref()).is_ok(),
        }
    })
}

#[cfg(test)]
#[path = "read_only_tests.rs"]
mod tests;
