//! What is known about `git`: global options, subcommands and options that run programs, write files or change what
//! later calls run.

use super::hazard_table::lists;
use super::programs::{first_option, without_harmless};
use crate::shell::Word;

/// First words after `git config` that read, and options that leave it at that.
const CONFIG_READS: &str = "--get --get-all --get-regexp --list -l get list";
const CONFIG_HARMLESS: &str =
    "--all --global --local --name-only --null --show-origin --show-scope --system --worktree -z";

/// Subcommands that create or change the files that they are given.
const CHANGING: &str = "archive checkout clone format-patch init mv reset restore rm stash worktree";

/// Options before the subcommand that change nothing but the output.
const GLOBAL_HARMLESS: &str =
    "--no-pager -P --no-optional-locks --literal-pathspecs --no-replace-objects --version -v";

/// Global options that take the next word as their value, for looking past them.
const GLOBAL_VALUED: &str = "-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix";

/// Subcommands built into git that a wildcard may stand for. Anything else may be an alias or a planted `git-NAME`.
const SUBCOMMANDS: &str = "add am apply archive blame branch cat-file check-attr check-ignore checkout cherry cherry-pick \
     clean clone commit count-objects describe diff diff-files diff-index diff-tree fetch \
     for-each-ref format-patch fsck gc grep init log ls-files ls-remote ls-tree merge merge-base mv \
     name-rev notes pull push range-diff rebase reflog remote reset restore rev-list rev-parse revert \
     rm shortlog show show-ref stash status switch symbolic-ref tag var version whatchanged worktree";

/// Subcommands that run programs by their nature, also when the rule names them.
const RUNNING: &str = "bisect citool credential credential-cache credential-store daemon difftool fast-import \
     filter-branch gui help hook imap-send instaweb maintenance mergetool p4 receive-pack remote-ext \
     remote-fd send-email shell submodule svn upload-archive upload-pack web--browse";

/// Subcommands that write or remove files which stand in no argument, protected ones among them, also when the rule names
/// them. The sandbox holds those files.
const OVERWRITING: &str = "am apply checkout-index clean filter-repo";

/// First words after `git remote` that decide where later calls fetch from and send to.
const REMOTE_CHANGES: &str = "add rename set-branches set-url";

/// Long options of any subcommand that run a program, load configuration or write a file elsewhere.
const LONG: &str = "add-file bundle-uri config config-env exec exec-path ext-diff extcmd filters git-dir gpg-sign help no-index \
     open-files-in-pager output output-directory paginate receive-pack separate-git-dir strategy \
     template textconv tool unsafe-paths upload-pack work-tree";

/// Options of any subcommand whose value is a file that is read.
const FILE_OPTIONS: &[&str] = &[
    "contents",
    "exclude-from",
    "file",
    "ignore-revs-file",
    "pathspec-from-file",
    "patch-file",
    "signature-file",
];

/// Says why the arguments from `free_from` on need a yes of their own.
pub(super) fn hazard(arguments: &[Word], free_from: usize) -> Option<String> {
    let globals = arguments.iter().take_while(|word| word.text.starts_with('-') && word.is_literal()).count();
    let free_globals = arguments.get(free_from..globals).unwrap_or_default();
    if let Some(word) = free_globals.iter().find(|word| !lists(GLOBAL_HARMLESS, &word.text)) {
        return Some(format!("'{}' changes what git runs or where", word.text));
    }
    let subcommand = arguments.get(globals)?;
    let name = subcommand.text.as_str();
    let free = arguments.get(free_from.max(globals + 1)..).unwrap_or_default();
    if let Some(word) = arguments.get(free_from..).unwrap_or_default().iter().find(|word| !word.is_literal())
    {
        return Some(format!("what '{}' stands for may be an option of git", word.text));
    }
    let reads_submodules =
        name == "submodule" && arguments.get(globals + 1).is_some_and(|word| word.text == "status");
    if lists(RUNNING, name) && !reads_submodules {
        return Some(format!("'git {name}' runs other programs"));
    }
    if lists(OVERWRITING, name) && !only_tries(name, arguments) {
        return Some(format!("'git {name}' changes files that the command does not name"));
    }
    if let ("remote", Some(word)) = (name, free.iter().find(|word| lists(REMOTE_CHANGES, &word.text))) {
        return Some(format!("'git remote {}' changes where git fetches from and sends to", word.text));
    }
    if name == "config" {
        let mut rest = arguments.get(globals + 1..).unwrap_or_default().iter().map(|word| word.text.as_str());
        let reads = rest.next().is_some_and(|word| lists(CONFIG_READS, word))
            && rest.all(|word| !word.starts_with('-') || lists(CONFIG_HARMLESS, word));
        return (!reads).then(|| "'git config' changes what git runs".to_owned());
    }
    if free_from <= globals && !lists(SUBCOMMANDS, name) && !reads_submodules {
        return Some(format!("'git {name}' may be an alias"));
    }
    if let Some(word) = free.iter().find(|word| is_remote_helper(&word.text)) {
        return Some(format!("'{}' makes git run a remote helper", word.text));
    }
    first_option(&without_harmless("git", free), LONG, short_options(name), "")
        .map(|word| format!("'{word}' makes 'git {name}' run a program or write a file"))
}

/// Whether the arguments say that nothing is changed: `git clean -n`, `git apply --check`.
fn only_tries(subcommand: &str, arguments: &[Word]) -> bool {
    let says = |found: &dyn Fn(&str) -> bool| arguments.iter().any(|word| found(&word.text));
    match subcommand {
        "apply" => says(&|text| text == "--check") && !says(&|text| text.starts_with("--a")),
        "clean" => says(&|text| {
            let letters = text.strip_prefix('-').unwrap_or_default();
            text == "--dry-run" || (letters.contains('n') && letters.chars().all(|c| "dfnqxX".contains(c)))
        }),
        _ => false,
    }
}

/// Whether the subcommand creates or changes the files that it is given.
pub(super) fn changes_files(arguments: &[Word]) -> bool {
    let subcommand = arguments.iter().find(|word| !word.text.starts_with('-'));
    subcommand.is_some_and(|word| lists(CHANGING, &word.text))
}

/// The files that git reads because an option names them, glued to it.
pub(super) fn files_in_options(free: &[Word]) -> impl Iterator<Item = &str> {
    free.iter().map(|word| word.text.as_str()).filter_map(|text| match text.strip_prefix("--") {
        Some(option) => {
            let (name, path) = option.split_once('=')?;
            FILE_OPTIONS.iter().any(|option| option.starts_with(name)).then_some(path)
        }
        None => text.strip_prefix("-F").filter(|path| !path.is_empty()),
    })
}

/// The words without options before the subcommand, so that `git -C x push` is seen as `git push`.
pub(super) fn without_global_options(words: &[Word]) -> Vec<Word> {
    let Some((program, mut rest)) = words.split_first() else { return Vec::new() };
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.text.starts_with('-')) {
        let takes_next = lists(GLOBAL_VALUED, &word.text);
        rest = after.get(usize::from(takes_next)..).unwrap_or_default();
    }
    std::iter::once(program).chain(rest).cloned().collect()
}

/// Short options that run or write, by subcommand; the same letter is harmless elsewhere (`git push -u`).
fn short_options(subcommand: &str) -> &'static str {
    match subcommand {
        "grep" => "O",
        "archive" | "format-patch" => "o",
        "clone" => "uc",
        "ls-remote" => "u",
        "rebase" => "xsS",
        "merge" | "pull" | "cherry-pick" | "revert" => "sS",
        "tag" => "su",
        "commit" | "am" => "Su",
        _ => "",
    }
}

/// `ext::sh -c ...`, `fd::17`: a transport that is a program.
fn is_remote_helper(text: &str) -> bool {
    text.contains("://-")
        || text.split_once("::").is_some_and(|(scheme, _)| {
            let scheme = scheme.rsplit('=').next().unwrap_or(scheme);
            !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    fn found(command: &str, free_from: usize) -> Option<String> {
        let words = shell::parse(command).unwrap().commands.remove(0).words;
        hazard(&words[1..], free_from)
    }

    #[test]
    fn what_runs_programs_or_writes_elsewhere_is_found() {
        for command in [
            "git -c core.pager=x log",
            "git --exec-path=. status",
            "git -C ../other status",
            "git --paginate log",
            "git x",
            "git config core.fsmonitor ./e",
            "git difftool -y -x ./e",
            "git bisect run ./e",
            "git submodule foreach ls",
            "git ls-remote --upload-pa='e' .",
            "git log --output=f",
            "git grep -O./e x",
            "git grep --open-files-in-pager x",
            "git rebase -x e --root",
            "git archive --remote=x --exec=e HEAD",
            "git clone 'ext::sh -c x' z",
            "git diff --no-index a b",
            "git show $X",
            "git add *",
            "git clone -c a=b x",
        ] {
            assert!(found(command, 0).is_some(), "{command}");
        }
        assert!(found("git config core.fsmonitor ./e", 1).is_some());
        assert!(found("git difftool -y", 1).is_some());
    }

    #[test]
    fn everyday_git_passes() {
        for command in [
            "git status",
            "git --no-pager log --oneline -5",
            "git log --format='%h;%s'",
            "git push -u origin main",
            "git commit -m 'a -x b'",
            "git diff --text HEAD~1 -- src",
            "git config --get user.name",
            "git stash pop",
            "git grep -n 'std::path' src",
        ] {
            // `std::path` looks like a transport: searching for it is asked for, which is the safe side.
            let expected = command.contains("::");
            assert_eq!(found(command, 0).is_some(), expected, "{command}");
        }
        assert!(found("git rebase -x 'cargo test' main", 4).is_none());
    }
}
