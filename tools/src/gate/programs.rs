//! What is known about a program's arguments: which of them run something or write somewhere.

use super::hazard_table::{
    CONTENT_WRITERS, FILE_WRITERS, INTERPRETERS, OPTIONS, PATH_BOUND, PRINTERS, REMOTE, RUNNERS,
    RUNNING_SUBCOMMANDS, SHELL_STATE, SPELT_IN_FULL, lists,
};
use super::{git, sed, transfer};
use crate::shell::Word;

/// Says why the words from `free_from` on, which a rule's wildcard matched, need a yes of their own. `None`: they are
/// harmless, or nothing is known about the program and the user's rule stands.
pub(super) fn hazard(words: &[Word], free_from: usize) -> Option<String> {
    let (words, free_from) = effective(words, free_from);
    let (program, arguments) = words.split_first()?;
    let program = program.text.as_str();
    let free = words.get(free_from.max(1)..).unwrap_or_default();
    if lists(PRINTERS, program) {
        return None;
    }
    if lists(SHELL_STATE, program) {
        return Some(format!("'{program}' changes the shell or evaluates its arguments"));
    }
    if lists(RUNNERS, program) {
        return Some(format!("'{program}' runs another program, which needs a rule of its own"));
    }
    if free.is_empty() && !matches!(program, "git" | "sed") {
        return None;
    }
    match program {
        "git" => return git::hazard(arguments, free_from.saturating_sub(1)),
        "sed" | "gsed" => return sed::hazard(arguments, free_from.saturating_sub(1)),
        _ => {}
    }
    let hazard = OPTIONS.iter().find(|hazard| lists(hazard.programs, program));
    if let Some(hazard) = hazard {
        if let Some(word) = free.iter().find(|word| !word.is_literal()) {
            return Some(format!("what '{}' stands for may be an option of '{program}'", word.text));
        }
        let judged = without_harmless(program, free);
        if let Some(word) = first_option(&judged, hazard.long, hazard.short, hazard.words) {
            return Some(format!("'{word}' makes '{program}' run a program or write a file"));
        }
    }
    shape_hazard(program, arguments, free)
}

/// The program that matters where a rule names it behind a runner: `pytest` in `python -m pytest` and `uv run pytest`.
pub(super) fn effective(words: &[Word], free_from: usize) -> (&[Word], usize) {
    let runs_next = |at: usize| match words.get(at - 1).map(|word| word.text.as_str()) {
        Some("-m" | "exec" | "dlx" | "run" | "x") => at > 1,
        Some("bunx" | "npx" | "pipx" | "pnpx" | "uvx") => at == 1,
        Some(_) | None => false,
    };
    let is_known = |at: &usize| {
        words.get(*at).is_some_and(|word| {
            // `npm run test` is a script of that name.
            let is_known = OPTIONS.iter().any(|hazard| lists(hazard.programs, &word.text));
            word.text != "test" && (is_known || is_path_bound(&word.text))
        })
    };
    let inner = (1..free_from.min(words.len())).filter(|at| runs_next(*at)).find(is_known);
    match inner {
        Some(at) if words.first().is_some_and(|word| is_interpreter(&word.text)) => {
            (words.get(at..).unwrap_or_default(), free_from - at)
        }
        Some(_) | None => (words, free_from),
    }
}

/// The words without long options that only look like the beginning of a hazard.
pub(super) fn without_harmless<'a>(program: &str, words: &'a [Word]) -> Vec<&'a Word> {
    let full =
        SPELT_IN_FULL.iter().find(|(programs, _)| lists(programs, program)).map_or("", |(_, full)| full);
    let is_harmless = |word: &Word| {
        let name = word.text.strip_prefix("--").map(|option| option.split('=').next().unwrap_or(option));
        name.is_some_and(|name| lists(full, name))
    };
    words.iter().filter(|word| !is_harmless(word)).collect()
}

/// Hazards in the shape of the arguments rather than in an option.
fn shape_hazard(program: &str, arguments: &[Word], free: &[Word]) -> Option<String> {
    let operands = || arguments.iter().filter(|word| !word.text.starts_with('-') || word.text == "-");
    let found = match program {
        "date" => operands()
            .find(|word| !word.text.starts_with('+') && free.contains(word))
            .map(|word| format!("'{}' may set the clock", word.text)),
        "hostname" => operands()
            .find(|word| free.contains(word))
            .map(|word| format!("'hostname' changes the name of the machine to '{}'", word.text)),
        "uniq" | "xxd" => operands().nth(1).map(|word| format!("'{program}' writes to '{}'", word.text)),
        // `tar cf`, `tar xfI`: the first word is options even without a hyphen.
        "tar" | "bsdtar" | "gtar" => free
            .first()
            .filter(|word| {
                arguments.first() == Some(word)
                    && !word.text.starts_with('-')
                    && word.text.contains(['I', 'F', 'P', 'T', 'g'])
            })
            .map(|word| format!("'{}' makes 'tar' run a program", word.text)),
        "make" | "gmake" | "bmake" | "just" => free
            .iter()
            .find(|word| word.text.contains('='))
            .map(|word| format!("'{}' changes what '{program}' runs", word.text)),
        "cargo" => cargo_hazard(arguments, free),
        "eslint" => formatter(free).map(|word| format!("'{word}' is code that 'eslint' loads")),
        "test" => free
            .iter()
            .find(|word| word.text.contains(['[', '$', '`']))
            .map(|word| format!("'test' may evaluate '{}'", word.text)),
        "curl" | "wget" | "wget2" => transfer::hazard(program, arguments, free),
        "py.test" | "pytest" | "mypy" | "gcc" | "cc" | "g++" | "c++" | "clang" | "clang++" | "javac"
        | "rustc" => free
            .iter()
            .find(|word| ["@", "-Wl,", "-Wa,", "-MF"].iter().any(|start| word.text.starts_with(start)))
            .map(|word| format!("'{}' brings options that are not seen here", word.text)),
        _ => None,
    };
    found.filter(|_| !free.is_empty())
}

/// What cargo hands on to other programs behind `--`, and the toolchain.
fn cargo_hazard(arguments: &[Word], free: &[Word]) -> Option<String> {
    let first = free.first().filter(|word| word.text.starts_with('+'));
    if let Some(word) = first {
        return Some(format!("'{}' changes the toolchain that runs", word.text));
    }
    // A file in place of a target's name says which linker runs.
    let is_file = |text: &str| text.contains(['/', '.']);
    if let Some(target) = value_of(free, "--target").filter(|target| is_file(target)) {
        return Some(format!("'{target}' changes what 'cargo' runs"));
    }
    let subcommand = arguments.iter().map(|word| word.text.as_str()).find(|text| !text.starts_with('+'))?;
    let is_harmless = |text: &str| match subcommand {
        "clippy" => {
            matches!(text, "-W" | "-D" | "-A" | "-F")
                || text.starts_with("clippy::")
                || text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_') && !text.starts_with(c))
                || text.strip_prefix(['-']).and_then(|rest| rest.strip_prefix(['W', 'D', 'A', 'F'])).is_some()
        }
        "fmt" => matches!(text, "--check" | "-l" | "-v" | "-q" | "--verbose" | "--quiet"),
        "rustc" | "rustdoc" => false,
        _ => !text.starts_with("--logfile"),
    };
    let handed_on = arguments.iter().skip_while(|word| word.text != "--").skip(1);
    let free_words = handed_on.filter(|word| free.contains(word));
    free_words
        .map(|word| word.text.as_str())
        .find(|text| !is_harmless(text))
        .map(|text| format!("'{text}' is handed on by 'cargo {subcommand}' and may write or run something"))
}

/// The value of a long option, glued to it or in the next word.
fn value_of<'a>(words: &'a [Word], option: &str) -> Option<&'a str> {
    let mut texts = words.iter().map(|word| word.text.as_str());
    texts
        .find_map(|text| match text.strip_prefix(option) {
            Some("") => Some(None),
            Some(glued) => glued.strip_prefix('=').map(Some),
            None => None,
        })?
        .or_else(|| texts.next())
}

/// A formatter that is a file rather than the name of one of eslint's own.
fn formatter(words: &[Word]) -> Option<&str> {
    let short = words.iter().position(|word| word.text.starts_with("-f") || word.text.starts_with("-F"));
    let short = short.and_then(|at| match words.get(at).and_then(|word| word.text.get(2..)) {
        Some("") => words.get(at + 1).map(|word| word.text.as_str()),
        glued => glued,
    });
    let long = ["--format", "--forma", "--form", "--for"].iter().find_map(|option| value_of(words, option));
    let is_file = |value: &&str| value.contains(['/', '.', '\\']);
    short.filter(is_file).or_else(|| long.filter(is_file))
}

/// The first word that is one of these options, in any of the ways in which GNU tools accept them: in full, abbreviated,
/// with `=value`, clustered, glued to its value. Words after `--` are no options.
pub(super) fn first_option<'a>(words: &[&'a Word], long: &str, short: &str, whole: &str) -> Option<&'a str> {
    let is_hazard = |text: &str| {
        let head = text.split('=').next().unwrap_or(text);
        if lists(whole, head) || (lists(whole, "+") && text.starts_with('+')) {
            return true;
        }
        match text.strip_prefix("--") {
            Some("") => false,
            Some(option) => {
                // npm and others take `_` for `-`, less and others take capitals.
                // What stands behind a point is a part of the option: `--poolOptions.forks.execArgv`.
                let name = option.split(['=', '.']).next().unwrap_or(option).replace('_', "-").to_lowercase();
                let name = name.as_str();
                long.split_ascii_whitespace().any(|hazard| hazard.starts_with(name))
                    || whole.split_ascii_whitespace().any(|hazard| hazard.strip_prefix('-') == Some(name))
            }
            None => text
                .strip_prefix('-')
                .is_some_and(|cluster| cluster.chars().any(|letter| short.contains(letter))),
        }
    };
    words
        .iter()
        .map(|word| word.text.as_str())
        .take_while(|text| *text != "--" || !whole.is_empty())
        .find(|text| is_hazard(text))
}

/// Whether a rule with these literal words and open arguments equals a rule for all of Bash.
pub(super) fn equals_unrestricted_shell(literals: &[&str]) -> bool {
    let Some((program, arguments)) = literals.split_first() else { return false };
    is_interpreter(program)
        && arguments.iter().all(|word| word.starts_with('-') || lists(RUNNING_SUBCOMMANDS, word))
}

/// Whether the program runs whatever its arguments say.
pub(super) fn is_interpreter(program: &str) -> bool {
    let program = program.rsplit('/').next().unwrap_or(program);
    let is_loader = ["ld-linux", "ld-musl", "ld64", "ld.so"].iter().any(|name| program.starts_with(name));
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    is_loader || lists(INTERPRETERS, program) || (!plain.is_empty() && lists(INTERPRETERS, plain))
}

/// Whether a program named somewhere in the arguments may be run.
pub(crate) fn may_run_arguments(program: &str) -> bool {
    let program = program.rsplit('/').next().unwrap_or(program);
    lists(RUNNERS, program)
        || is_interpreter(program)
        || lists(SHELL_STATE, program)
        || matches!(program, "find" | "fd" | "fdfind" | "ssh")
}

/// Whether the arguments of the program are files that it changes.
pub(super) fn writes_arguments(program: &str) -> bool {
    lists(FILE_WRITERS, program)
}

/// Whether the program writes content of its choice into the files that it is given.
pub(super) fn writes_content(program: &str) -> bool {
    lists(CONTENT_WRITERS, program)
}

/// Whether words that a wildcard stands for must stay inside the workspace, and whether `HOST:PATH` is no file.
pub(super) fn is_path_bound(program: &str) -> bool {
    lists(PATH_BOUND, program)
}

/// Whether `HOST:PATH` names a file elsewhere.
pub(super) fn is_remote(program: &str) -> bool {
    lists(REMOTE, program)
}

/// Whether the program only prints and opens no file.
pub(super) fn only_prints(program: &str) -> bool {
    lists(PRINTERS, program) || program == "printf"
}

/// Whether the program is suggested as a prefix rule: only where its arguments are harmless by themselves.
pub(super) fn suits_a_prefix_rule(program: &str) -> bool {
    !is_interpreter(program)
        && !may_run_arguments(program)
        && program != "git"
        && !OPTIONS.iter().any(|hazard| lists(hazard.programs, program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    fn is_hazardous(command: &str, free_from: usize) -> bool {
        hazard(&shell::parse(command).unwrap().commands.remove(0).words, free_from).is_some()
    }

    #[test]
    fn options_are_found_in_every_spelling() {
        for command in [
            "sort -o f x",
            "sort -of x",
            "sort -no f x",
            "sort --output=f x",
            "sort --out f",
            "sort --compress-prog ./e x",
            "sort x -o f",
            "find . -exec ls {} ;",
            "find . -fprintf f x",
            "tar xfI x ./e",
            "tar -x --to-com=./e",
            "curl -sofile x",
            "openssl rand -out f 4",
            "uniq a b",
            "less +!ls f",
            "make SHELL=./e",
            "cargo +nightly test",
            "test -v x",
            "xargs ls",
            "eval ls",
            "sort $X",
            "sort *",
            "go test -exec=./e",
            "go test --exec ./e",
            "zip z f -TT x",
            "rg --pre ./e x",
        ] {
            assert!(is_hazardous(&command.replace(" ;", " \\;"), 1), "{command}");
        }
    }

    #[test]
    fn harmless_arguments_and_those_named_in_the_rule_pass() {
        for command in [
            "sort -k2,2n -u x",
            "find . -name '*.rs' -type f",
            "tar tf x.tar",
            "curl -s https://example.com",
            "uniq -c a",
            "rg -n 'foo|bar' src",
            "cargo test -p x",
            "npm run test -- --config x",
            "echo -o $X *",
            "sort -- -o",
            "ls -o *",
            "unknown --output=f -exec x",
        ] {
            assert!(!is_hazardous(command, 1), "{command}");
        }
        assert!(!is_hazardous("sort -o f x", 3));
    }

    #[test]
    fn open_rules_on_interpreters_are_known_as_such() {
        for (rule, expected) in [
            (&["awk"][..], true),
            (&["python3.11"], true),
            (&["bash", "-n"], true),
            (&["docker", "exec"], true),
            (&["npm", "run"], true),
            (&["npm", "run", "test"], false),
            (&["cargo", "test"], false),
            (&["python", "manage.py"], false),
            (&["git"], false),
        ] {
            assert_eq!(equals_unrestricted_shell(rule), expected, "{rule:?}");
        }
    }
}
