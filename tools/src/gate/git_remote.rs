//! Where git fetches from and sends to. The remotes of a repository are settings that agents cannot write; any other
//! place is one that the agent chose: a repository of its own, whose hooks git runs, or a machine that it sends to.

use std::path::Path;

use super::hazard_table::lists;
use crate::path::PathGuard;
use crate::shell::Word;

/// Subcommands whose first operand is a remote.
const TALKING: &str = "fetch ls-remote pull push";

/// Options of these that take no value, so that the word behind them is an operand.
const FLAGS: &str = "-4 -6 -a -d -f -k -n -p -P -q -t -u -v --all --atomic --delete --dry-run --ff --ff-only --follow-tags --force \
     --force-with-lease --heads --no-edit --no-ff --no-rebase --no-tags --no-verify --porcelain --prune \
     --prune-tags --quiet --rebase --set-upstream --tags --thin --unshallow --verbose";

/// Schemes by which `git clone` takes from another machine.
const SCHEMES: &str = "git http https ssh";

/// Says which of a subcommand's arguments is a place that no remote of this repository stands for.
pub(super) fn elsewhere(subcommand: &str, arguments: &[Word], guard: &PathGuard) -> Option<String> {
    if subcommand == "clone" {
        let operands = arguments.iter().map(|word| word.text.as_str()).filter(|text| !text.starts_with('-'));
        return operands.into_iter().find(|text| is_local(text) || is_repository(text, guard)).map(|text| {
            format!("'{text}' is a repository on this machine, whose settings git would follow")
        });
    }
    if !lists(TALKING, subcommand) {
        return None;
    }
    let place = places(arguments).find(|(text, may_be_remote)| {
        let is_address = is_address(text) || (*may_be_remote && text.contains(':'));
        *text != "." && (is_address || is_repository(text, guard))
    });
    place.map(|(text, _)| format!("'{text}' is no remote of this repository"))
}

/// The words that may name a place, and whether a lone colon makes an address of them. Behind the remote stand what is
/// sent or fetched (`main:main`); which word is the remote is only sure behind an option that takes no value.
fn places(arguments: &[Word]) -> impl Iterator<Item = (&str, bool)> {
    let mut before = "";
    let mut may_be_remote = true;
    arguments.iter().map(|word| word.text.as_str()).filter_map(move |text| {
        let is_sure = !before.starts_with('-') || lists(FLAGS, before);
        before = text;
        if text.starts_with('-') {
            let (name, place) = text.strip_prefix("--")?.split_once('=')?;
            return "repo".starts_with(name).then_some((place, true));
        }
        let place = (text, may_be_remote);
        may_be_remote = may_be_remote && !is_sure;
        Some(place)
    })
}

/// `https://x`, `user@host:path`, `./x`, `/x`.
fn is_address(text: &str) -> bool {
    let host = text.split_once(':').map_or("", |(host, _)| host);
    text.contains("://")
        || text.starts_with(['/', '~'])
        || text.split('/').next().is_some_and(|first| matches!(first, "." | "..") && first != text)
        || text == ".."
        || host.contains('@')
}

/// A scheme that means this machine.
fn is_local(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| !lists(SCHEMES, &scheme.to_lowercase()))
}

/// Whether git would find a repository at a path, in any of the ways in which it looks for one.
fn is_repository(text: &str, guard: &PathGuard) -> bool {
    ["", ".git"].iter().any(|ending| {
        let place = guard.cwd().join(format!("{text}{ending}"));
        has_repository(&place) || (place.is_file() && !ending.is_empty())
    })
}

fn has_repository(place: &Path) -> bool {
    place.join("HEAD").symlink_metadata().is_ok() || place.join(".git").symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionMode, RuleBehavior};

    use crate::gate::Decision;
    use crate::gate::testing::Bench;

    #[test]
    fn only_remotes_are_talked_to_without_a_yes() {
        let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Allow, "Bash(git:*)")]);
        bench.file(".git/HEAD", "ref: refs/heads/main\n");
        bench.file("evil.git/HEAD", "ref: refs/heads/main\n");
        bench.file("sub/.git", "gitdir: ../evil.git\n");
        bench.file("docs/a", "");
        for command in [
            "git push ./evil.git main",
            "git push evil.git main",
            "git push evil main",
            "git push -u evil main",
            "git push -o x evil main",
            "git push sub",
            "git push --repo=evil",
            "git push --repo evil",
            "git push https://example.org/x main",
            "git push file:///tmp/x main",
            "git push me@example.org:x main",
            "git push host:x main",
            "git push -u host:x main",
            "git push -o a host:x main",
            "git push --push-option=a host:x main",
            "git push /tmp/x",
            "git fetch ../x",
            "git fetch ..",
            "git fetch -q evil",
            "git fetch --depth 1 host:x",
            "git pull --rebase evil main",
            "git pull https://example.org/x",
            "git ls-remote https://example.org/x",
            "git clone . copy",
            "git clone evil copy",
            "git clone --depth 1 sub copy",
            "git clone file:///tmp/x copy",
            "git remote add evil https://example.org/x",
            "git remote set-url origin https://example.org/x",
            "git clean -fd",
            "git clean -e n -f",
            "git clean -en -f",
            "git apply a.patch",
            "git apply --check --apply a.patch",
        ] {
            assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
        }
        for command in [
            "git push",
            "git push origin main",
            "git push origin main:main",
            "git push -u origin feature/docs:feature/docs",
            "git push origin docs",
            "git push origin HEAD:refs/heads/x",
            "git push --force-with-lease origin main",
            "git push --delete origin x",
            "git push -o ci.skip origin main",
            "git fetch --all --prune",
            "git fetch origin '+refs/heads/a:refs/remotes/origin/a'",
            "git fetch --depth 1 origin main",
            "git pull --ff-only",
            "git pull --rebase origin main",
            "git pull . main",
            "git ls-remote origin",
            "git remote -v",
            "git clean -nd",
            "git apply --check a.patch",
            "git remote show origin",
            "git clone https://example.org/x",
            "git clone --depth 1 git@example.org:a/b.git copy",
        ] {
            assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
        }
    }
}
