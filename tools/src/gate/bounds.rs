//! Which words of a command leave the workspace or touch what is protected, for programs that write, send or run the
//! files that they are given.

use std::path::Component;

use super::words::candidates;
use super::{git, git_remote, nested, programs, unpacking};
use crate::PathError;
use crate::path::{PathGuard, Protection};
use crate::shell::Word;

/// What every process has and nobody owns.
const STREAMS: &[&str] = &["/dev/null", "/dev/stderr", "/dev/stdin", "/dev/stdout"];

/// Says why a word from `free_from` on, which a rule's wildcard matched, needs a yes of its own.
pub(super) fn left<'a>(words: &'a [Word], free_from: usize, guard: &PathGuard) -> Option<String> {
    let (words, free_from) = programs::effective(words, free_from);
    let (program, arguments) = words.split_first()?;
    let free = words.get(free_from.max(1)..).unwrap_or_default();
    if let Some(reason) = unpacking::hazard(&program.text, arguments, free, guard) {
        return Some(reason);
    }
    match program.text.as_str() {
        "git" => {
            if let Some(place) = planted_repository(guard) {
                return Some(format!("'{place}' looks like a repository with settings of its own"));
            }
            if let Some(reason) = nested::entered(guard).or_else(|| remote_or_added(arguments, guard)) {
                return Some(reason);
            }
            let operand = free_of_git(arguments, free)
                .find_map(|word| judged(&word.text, git::changes_files(arguments), guard));
            operand.or_else(|| {
                git::files_in_options(free).find_map(|path| judged(path, /*writes*/ false, guard))
            })
        }
        name if programs::is_path_bound(name) => {
            let texts = free.iter().map(|word| word.text.as_str());
            let is_elsewhere_for = |text: &str| programs::is_remote(name) && is_elsewhere(text);
            let local = |text: &'a str| {
                // `file:///x` is a path in another dress; patterns of what is left out of an archive are none.
                let is_pattern = text.starts_with("--exclude=");
                let path = text.strip_prefix("file:").map(|path| path.strip_prefix("//").unwrap_or(path));
                let is_none =
                    is_pattern || (path.is_none() && text.contains("://")) || is_elsewhere_for(text);
                (!is_none).then(|| path.unwrap_or(text))
            };
            texts.filter_map(local).find_map(|text| {
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

/// What the subcommands of git do beyond the files that they name: the repositories that they take in or talk to.
fn remote_or_added(arguments: &[Word], guard: &PathGuard) -> Option<String> {
    let at = arguments.iter().position(|word| !word.text.starts_with('-'))?;
    let arguments = arguments.get(at..)?;
    match arguments.first()?.text.as_str() {
        "add" | "stage" => nested::added(arguments, guard),
        subcommand => git_remote::elsewhere(subcommand, arguments.get(1..)?, guard),
    }
}

/// Operands of git that may be files; the pattern of `grep` is none.
fn free_of_git<'a>(arguments: &'a [Word], free: &'a [Word]) -> impl Iterator<Item = &'a Word> {
    let mut operands = arguments.iter().filter(|word| !word.text.starts_with('-'));
    let is_grep = operands.next().is_some_and(|word| word.text == "grep");
    let pattern = operands.next().filter(|_| is_grep);
    free.iter().filter(move |word| !word.text.starts_with('-') && pattern != Some(word))
}

/// Whether a word that may be a path is one that the command must not touch. What only looks like a path because it is a
/// message with blanks counts where files are changed.
fn judged(text: &str, writes: bool, guard: &PathGuard) -> Option<String> {
    let is_message = !writes && text.contains(char::is_whitespace);
    if text.is_empty() || text.contains("://") || is_message || STREAMS.contains(&text) {
        return None;
    }
    let path = std::path::Path::new(text);
    let may_leave =
        text.starts_with(['/', '~']) || path.components().any(|part| part == Component::ParentDir);
    match guard.resolve(path) {
        Ok(resolved) if writes && guard.protection(&resolved) != Protection::None => {
            Some(format!("'{text}' is protected"))
        }
        Err(PathError::LinkLeaves(_)) => Some(format!("'{text}' is a link out of the workspace")),
        Err(_) if may_leave => Some(format!("'{text}' is outside the workspace")),
        // Below a `.git` that is a file, as in a worktree, nothing resolves; what the name means is protected all the same.
        Err(_) if writes && Protection::of(path) != Protection::None => {
            Some(format!("'{text}' is protected"))
        }
        Ok(_) | Err(_) => None,
    }
}

/// `HOST:PATH`: a colon before any slash.
fn is_elsewhere(text: &str) -> bool {
    text.split('/').next().is_some_and(|head| head.contains(':'))
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionMode, RuleBehavior};

    use crate::gate::Decision;
    use crate::gate::testing::Bench;

    #[test]
    fn wildcards_cover_no_path_that_leaves_or_is_protected() {
        let rules =
            ["git:*", "tar:*", "scp:*", "gzip:*", "python -m pytest:*"].map(|rule| format!("Bash({rule})"));
        let rules: Vec<_> = rules.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        bench.file("src/a", "x");
        std::os::unix::fs::symlink("/etc", bench.root().join("out")).unwrap();
        for (command, expected) in [
            ("tar czf x.tgz src", Decision::Allow),
            ("tar czf '/tmp/a b.tgz' src", Decision::Ask),
            ("tar czf x.tgz out", Decision::Ask),
            ("tar czf x.tgz out/passwd", Decision::Ask),
            ("tar cf .mcp.json src", Decision::Ask),
            ("tar cf h:x src", Decision::Ask),
            ("gzip src/../../x", Decision::Ask),
            ("gzip src/../x", Decision::Allow),
            ("scp src/a host:/tmp/a", Decision::Allow),
            ("scp host:/tmp/a /tmp/a", Decision::Ask),
            ("git clone . '/tmp/a b'", Decision::Ask),
            ("git commit -m '/api: ../x is gone'", Decision::Allow),
            ("git grep -n '/api/v1' src", Decision::Allow),
            ("python -m pytest ../other", Decision::Ask),
            ("python -m pytest src 2>/dev/null", Decision::Allow),
        ] {
            assert_eq!(bench.bash(command).decision(), expected, "{command}");
        }
    }

    #[test]
    fn in_a_worktree_the_file_git_protects_what_its_directory_would() {
        let rules = ["tar:*", "scp:*", "cp:*", "gcc:*"].map(|rule| format!("Bash({rule})"));
        let rules: Vec<_> = rules.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        bench.file(".git", "gitdir: ../elsewhere/.git/worktrees/w\n");
        bench.file("f", "x");
        for command in [
            "tar cf .git/hooks/x f",
            "tar cf .git f",
            "scp h:x .git/hooks/x",
            "cp f .git/hooks/x",
            "cp f .git",
            "gcc -o .git/hooks/x f",
            "tar xf f -C .git",
        ] {
            assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
        }
        assert_eq!(bench.bash("tar cf x.tar f").decision(), Decision::Allow);
    }
}
