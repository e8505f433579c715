//! Programs that write wherever their input says. What that is cannot be seen in the command, and it may be a protected
//! file, so no wildcard covers it; in the sandbox, which holds those files, nobody is asked.

use crate::path::{PathGuard, Protection};
use crate::shell::Word;

/// Says why a command writes what an archive or a patch names, if it does and that may be protected.
pub(super) fn hazard(program: &str, arguments: &[Word], free: &[Word], guard: &PathGuard) -> Option<String> {
    let texts = || free.iter().map(|word| word.text.as_str());
    let first = || arguments.first().filter(|word| free.contains(word)).map(|word| word.text.as_str());
    let unpacks = match program {
        "tar" | "bsdtar" | "gtar" | "jar" => {
            let is_old = first().is_some_and(|text| !text.starts_with('-') && text.contains('x'));
            let is_new = texts().any(|text| is_option(text, "extract", 'x') || is_option(text, "get", 'x'));
            (is_old || is_new) && !is_led_below(arguments, guard)
        }
        "ar" => first().is_some_and(|text| text.trim_start_matches('-').contains('x')),
        "unzip" => !texts().any(|text| is_option(text, "", 'l') || is_option(text, "", 't') || text == "-Z"),
        "7z" | "7za" | "7zz" | "unrar" | "rar" => first().is_some_and(|text| matches!(text, "x" | "e")),
        "cpio" => texts().any(|text| is_option(text, "extract", 'i') || is_option(text, "pass-through", 'p')),
        "gzip" | "gunzip" => texts().any(|text| is_option(text, "name", 'N')),
        // It writes into the directory what lies in another one, with the names that these files have there.
        "rsync" => arguments.last().is_some_and(|target| holds_protected(&target.text, guard)),
        "patch" => !arguments.iter().any(|word| word.text == "--dry-run"),
        "unar" | "dtrx" => true,
        _ => false,
    };
    unpacks
        .then(|| format!("what '{program}' writes is not named in the command, and may be a protected file"))
}

/// Whether the one `-C DIRECTORY` of a tar leads below the workspace, where no protected files of its own lie.
fn is_led_below(arguments: &[Word], guard: &PathGuard) -> bool {
    let mut led = arguments.iter().enumerate().filter_map(|(at, word)| match word.text.strip_prefix("-C") {
        Some("") => arguments.get(at + 1).map(|word| word.text.as_str()),
        Some(glued) => Some(glued),
        None if word.text.starts_with("--") => {
            let (name, directory) = word.text.split_once('=').unwrap_or((&word.text, ""));
            "--directory".starts_with(name).then_some(directory)
        }
        None => None,
    });
    let (directory, others) = (led.next(), led.next());
    others.is_none() && directory.is_some_and(|directory| !holds_protected(directory, guard))
}

/// Whether protected files may lie in a directory: a root, what is no plain directory below one, or protected itself.
fn holds_protected(directory: &str, guard: &PathGuard) -> bool {
    if directory.split('/').next().is_some_and(|host| host.contains(':')) {
        return false;
    }
    guard.resolve(directory.as_ref()).map_or(true, |path| {
        guard.protection(&path) != Protection::None || guard.roots().any(|root| root.starts_with(&path.real))
    })
}

/// An option in its long form, abbreviated too, or in a cluster of short ones.
fn is_option(text: &str, long: &str, short: char) -> bool {
    match text.strip_prefix("--") {
        Some(name) => !name.is_empty() && long.starts_with(name),
        None => text.strip_prefix('-').is_some_and(|cluster| cluster.contains(short)),
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionMode, RuleBehavior};

    use crate::gate::Decision;
    use crate::gate::testing::Bench;

    #[test]
    fn what_only_an_archive_names_is_not_written_by_a_wildcard() {
        let programs = ["tar", "unzip", "patch", "cpio", "7z", "gzip", "rsync", "ar", "jar"];
        let rules = programs.map(|program| format!("Bash({program}:*)"));
        let rules: Vec<_> = rules.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        bench.file("build/a", "x");
        std::os::unix::fs::symlink(".", bench.root().join("here")).unwrap();
        for command in [
            "tar xf a.tar",
            "tar -xzf a.tgz",
            "tar --extr --file a.tar",
            "tar --get -f a.tar",
            "tar xf a.tar -C .",
            "tar xf a.tar -C here",
            "tar xf a.tar -C build -C ..",
            "tar xf a.tar --direc=.",
            "unzip a.zip",
            "unzip -o a.zip",
            "patch -p1 -i a.patch",
            "patch -p1 < a.patch",
            "patch < a.patch",
            "cpio -idm",
            "7z x a.7z",
            "gzip -dN a.gz",
            "rsync -a build/ .",
            "rsync -a build/ here",
            "rsync -a --delete build/ ./",
            "ar x a.a",
            "jar xf a.jar",
        ] {
            assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
        }
        for command in [
            "tar tf a.tar",
            "tar czf a.tgz build",
            "tar -xzf a.tgz -C build",
            "tar xf a.tar --directory=build/new",
            "unzip -l a.zip",
            "gzip -d a.gz",
            "7z l a.7z",
            "rsync -a build/ copy",
            "rsync build/a host:/x",
            "ar t a.a",
            "patch --dry-run -p1 -i a.patch",
        ] {
            assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
        }
    }
}
