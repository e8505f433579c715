//! Programs that only run another program: taken off before the inner command is judged.

use super::{Assignment, Expansion, SimpleCommand, Word};

/// Wrappers within wrappers that are looked through.
const LAYERS_MAX: usize = 8;

/// Variables that change what is printed or reported, never what is run or loaded.
const SAFE_VARIABLES: &[&str] = &[
    "CGO_ENABLED",
    "CHARSET",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "GO111MODULE",
    "GOARCH",
    "GOOS",
    "LANG",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "LINES",
    "NODE_ENV",
    "NO_COLOR",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "RAILS_ENV",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
    "TERM",
    "TZ",
];

/// The command that runs in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unwrapped {
    /// All assignments on the way.
    pub(crate) assignments: Vec<Assignment>,
    /// Program and arguments; what standard input adds to them stands as a variable.
    pub(crate) words: Vec<Word>,
}

/// Takes off `timeout`, `time`, `nice`, `nohup`, `stdbuf`, `command`, `builtin`, `env` with assignments only, and
/// `xargs` without options. A wrapper used in any other way stays on.
pub(crate) fn unwrapped(command: &SimpleCommand) -> Unwrapped {
    let mut assignments = command.assignments.clone();
    let mut words = command.words.as_slice();
    let mut is_fed = false;
    for _ in 0..LAYERS_MAX {
        let Some((program, arguments)) = words.split_first().filter(|(program, _)| program.is_literal())
        else {
            break;
        };
        let Some(skipped) = wrapper_length(&program.text, arguments, &mut assignments) else { break };
        let Some(inner) = arguments.get(skipped..).filter(|inner| !inner.is_empty()) else { break };
        is_fed |= program.text == "xargs";
        words = inner;
    }
    let fed = Word { text: "$STDIN".to_owned(), expansion: Expansion::Variable, has_glob: false };
    let words = words.iter().cloned().chain(is_fed.then_some(fed)).collect();
    Unwrapped { assignments, words }
}

/// Whether an assignment before a command leaves open only what the command prints.
pub(crate) fn is_safe_assignment(assignment: &Assignment) -> bool {
    let value = &assignment.value;
    SAFE_VARIABLES.contains(&assignment.name.as_str())
        && value.is_literal()
        && !value.text.starts_with(['/', '.', ':', '~'])
}

/// How many arguments of `program` come before the inner command; `None` when it is no wrapper or used unusually.
fn wrapper_length(program: &str, arguments: &[Word], assignments: &mut Vec<Assignment>) -> Option<usize> {
    match program {
        "timeout" => {
            let options = options_length(arguments, timeout_option)?;
            arguments.get(options).filter(|word| word.is_literal() && is_duration(&word.text))?;
            Some(options + 1)
        }
        "time" => Some(usize::from(arguments.first().is_some_and(|word| word.text == "-p"))),
        "nice" => options_length(arguments, nice_option),
        "stdbuf" => options_length(arguments, stdbuf_option),
        "nohup" | "command" | "builtin" | "xargs" => options_length(arguments, |_, _| None),
        "env" => {
            let found: Vec<Assignment> = arguments.iter().map_while(as_assignment).collect();
            let length = found.len();
            options_length(arguments.get(length..)?, |_, _| None)?;
            assignments.extend(found);
            Some(length)
        }
        _ => None,
    }
}

/// Counts options as long as `option` knows them: it is given an option and the word after it, and says how many words
/// the option takes. An option that it does not know ends the attempt.
fn options_length(arguments: &[Word], option: impl Fn(&str, Option<&str>) -> Option<usize>) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = arguments.get(at).filter(|word| word.text.starts_with('-') || !word.is_literal()) {
        let next = arguments.get(at + 1).filter(|next| next.is_literal()).map(|next| next.text.as_str());
        at += if word.is_literal() { option(&word.text, next)? } else { return None };
    }
    Some(at)
}

fn timeout_option(option: &str, next: Option<&str>) -> Option<usize> {
    let is_signal = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    match option {
        "--foreground" | "--preserve-status" | "-v" | "--verbose" => Some(1),
        "-k" => next.filter(|value| is_duration(value)).map(|_| 2),
        "-s" => next.filter(|value| is_signal(value)).map(|_| 2),
        _ => {
            let (name, value) = option.split_once('=')?;
            let fits =
                (name == "--kill-after" && is_duration(value)) || (name == "--signal" && is_signal(value));
            fits.then_some(1)
        }
    }
}

fn nice_option(option: &str, next: Option<&str>) -> Option<usize> {
    let is_number = |text: &str| text.trim_start_matches(['-', '+']).parse::<u8>().is_ok();
    match option {
        "-n" => next.filter(|value| is_number(value)).map(|_| 2),
        _ => is_number(option.strip_prefix("--adjustment=").unwrap_or(option.get(1..)?)).then_some(1),
    }
}

fn stdbuf_option(option: &str, next: Option<&str>) -> Option<usize> {
    let is_mode = |text: &str| text == "L" || text == "0" || text.parse::<u32>().is_ok();
    match option {
        "-i" | "-o" | "-e" => next.filter(|value| is_mode(value)).map(|_| 2),
        _ => {
            let value = ["-i", "-o", "-e", "--input=", "--output=", "--error="]
                .iter()
                .find_map(|prefix| option.strip_prefix(prefix))?;
            is_mode(value).then_some(1)
        }
    }
}

fn is_duration(text: &str) -> bool {
    let digits = text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn as_assignment(word: &Word) -> Option<Assignment> {
    let (name, value) = word.text.split_once('=')?;
    let is_name = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    let value = Word { text: value.to_owned(), ..word.clone() };
    is_name.then(|| Assignment { name: name.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::parse;

    fn inner(command: &str) -> String {
        let parsed = parse(command).unwrap();
        let unwrapped = unwrapped(&parsed.commands[0]);
        let assignments = unwrapped.assignments.iter().map(|a| format!("{}={}", a.name, a.value.text));
        assignments.chain(unwrapped.words.iter().map(|w| w.text.clone())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn wrappers_come_off_when_used_in_a_known_way() {
        for (command, expected) in [
            ("timeout 30 npm test", "npm test"),
            ("timeout -k 5 --signal=TERM 30s npm test", "npm test"),
            ("time -p nice -n 10 nohup ls", "ls"),
            ("nice -5 stdbuf -oL -e0 grep x", "grep x"),
            ("env NODE_ENV=test npm test", "NODE_ENV=test npm test"),
            ("A=1 env B=2 timeout 1m env C=3 ls", "A=1 B=2 C=3 ls"),
            ("command ls -la", "ls -la"),
            ("ls | xargs grep x", "ls"),
            ("xargs grep x", "grep x $STDIN"),
        ] {
            assert_eq!(inner(command), expected, "{command}");
        }
    }

    #[test]
    fn wrappers_used_in_any_other_way_stay_on() {
        for command in [
            "timeout -x 30 ls",
            "timeout --kill-after=$X 3 ls",
            "timeout $X ls",
            "timeout ls",
            "env -S ls",
            "env -i ls",
            "env -u X ls",
            "xargs -I{} touch {}",
            "command -v ls",
            "stdbuf -x ls",
            "nice -n $X ls",
            "sudo ls",
            "watch ls",
            "timeout 5",
        ] {
            assert_eq!(inner(command), command);
        }
    }

    #[test]
    fn only_harmless_variables_are_looked_past() {
        let assignment = |text: &str| parse(text).unwrap().commands[0].assignments[0].clone();
        for safe in ["NODE_ENV=test", "RUST_LOG=debug", "TZ=Europe/Berlin", "CI="] {
            assert!(is_safe_assignment(&assignment(safe)), "{safe}");
        }
        for unsafe_ in
            ["PATH=.", "GIT_PAGER=x", "LD_PRELOAD=x", "TZ=:/etc/x", "TERM=./x", "NODE_ENV=$X", "FOO=1"]
        {
            assert!(!is_safe_assignment(&assignment(unsafe_)), "{unsafe_}");
        }
    }
}
