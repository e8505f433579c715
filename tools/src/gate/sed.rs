//! What is known about `sed`: its scripts can run programs (`e`) and write files (`w`), so only scripts made of the
//! commands listed here pass.

use crate::shell::Word;

/// Options that change how lines are read and printed only.
const HARMLESS: &[&str] = &[
    "-n",
    "--quiet",
    "--silent",
    "-E",
    "-r",
    "--regexp-extended",
    "-u",
    "--unbuffered",
    "-z",
    "--null-data",
    "--posix",
    "--sandbox",
    "-nE",
    "-nr",
    "-En",
    "-rn",
    "-s",
    "--separate",
];

/// Says why the arguments from `free_from` on need a yes of their own.
pub(super) fn hazard(arguments: &[Word], free_from: usize) -> Option<String> {
    let mut script_seen = false;
    let mut script_next = false;
    for (index, word) in arguments.iter().enumerate() {
        let text = word.text.as_str();
        let is_free = index >= free_from;
        if is_free && !word.is_literal() {
            return Some(format!("what '{text}' stands for may be an option or a script of sed"));
        }
        let script = if script_next {
            script_next = false;
            Some(text)
        } else if matches!(text, "-e" | "--expression") {
            (script_seen, script_next) = (true, true);
            None
        } else if let Some(script) = text.strip_prefix("--expression=") {
            script_seen = true;
            Some(script)
        } else if text.starts_with('-') && text != "-" {
            if is_free && !HARMLESS.contains(&text) {
                return Some(format!("'{text}' makes 'sed' change files or run a script"));
            }
            None
        } else if script_seen {
            None
        } else {
            script_seen = true;
            Some(text)
        };
        if let Some(script) = script.filter(|script| is_free && !is_harmless(script)) {
            return Some(format!("the script '{script}' may write a file or run a program"));
        }
    }
    None
}

/// Whether a script is a list of `[address[,address]]command` with `p`, `d`, `q`, `=`, `l` or a plain substitution.
fn is_harmless(script: &str) -> bool {
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';', '\n']);
        if rest.is_empty() {
            return true;
        }
        let Some(after) = one_command(rest) else { return false };
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with([';', '\n']) {
            return false;
        }
    }
}

/// Skips one command; `None` when it is none of the harmless ones.
fn one_command(text: &str) -> Option<&str> {
    let mut rest = address(text)?;
    if let Some(second) = rest.strip_prefix(',') {
        rest = address(second).filter(|after| after.len() < second.len())?;
    }
    rest = rest.trim_start_matches([' ', '!']);
    if let Some(after) =
        rest.strip_prefix(['p', 'd', 'q', '=', 'l', 'P', 'D', 'n', 'N', 'g', 'G', 'h', 'H', 'x'])
    {
        return Some(after);
    }
    let substitution = rest.strip_prefix('s')?;
    let delimiter = substitution.chars().next().filter(|c| "/|#,:@%!".contains(*c))?;
    let pattern = substitution.get(delimiter.len_utf8()..)?;
    let replacement = delimited(pattern, delimiter)?;
    let flags = delimited(replacement, delimiter)?;
    Some(
        flags.trim_start_matches([
            'g', 'p', 'i', 'I', 'm', 'M', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
        ]),
    )
}

/// Skips a line number, `$` or `/regex/`; nothing at all is an address too.
fn address(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('/') {
        return delimited(rest, '/').map(|rest| rest.trim_start_matches(['I']));
    }
    if let Some(rest) = text.strip_prefix('$') {
        return Some(rest);
    }
    Some(text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '~' || c == '+'))
}

/// What comes after the next delimiter. A bracket expression may hide the delimiter, so it is not looked into.
fn delimited(text: &str, delimiter: char) -> Option<&str> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next()?;
            }
            '\n' => return None,
            '[' if hides_delimiter(text.get(at + 1..)?, delimiter) => return None,
            _ if character == delimiter => return text.get(at + delimiter.len_utf8()..),
            _ => {}
        }
    }
    None
}

/// Whether a bracket expression holds the delimiter, or begins with `]`, so that seds disagree about its end.
fn hides_delimiter(bracket: &str, delimiter: char) -> bool {
    let set = bracket.strip_prefix('^').unwrap_or(bracket);
    if set.starts_with(']') {
        return true;
    }
    // A class such as `[:alpha:]` has a bracket of its own, which does not end the set.
    let mut rest = set;
    while let Some(at) = rest.find(['[', ']']) {
        let (before, after) = rest.split_at(at);
        if before.contains(delimiter) {
            return true;
        }
        let class = after.get(1..).and_then(|inner| inner.chars().next()).filter(|c| ":.=".contains(*c));
        rest = match (after.starts_with('['), class) {
            (false, _) => return false,
            (true, None) => after.get(1..).unwrap_or_default(),
            (true, Some(kind)) => match after.split_once(&format!("{kind}]")) {
                Some((name, rest)) if !name.contains(delimiter) => rest,
                Some(_) | None => return true,
            },
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    fn is_hazardous(command: &str) -> bool {
        let words = shell::parse(command).unwrap().commands.remove(0).words;
        hazard(&words[1..], 0).is_some()
    }

    #[test]
    fn scripts_that_write_or_run_are_found() {
        for command in [
            "sed -n '1w f' x",
            "sed 's/a/b/w f' x",
            "sed 's/.*/ls/e' x",
            "sed '1e ls' x",
            "sed e x",
            "sed -i 's/a/b/' x",
            "sed --in-place 's/a/b/' x",
            "sed -f script x",
            "sed -e p -e '1e ls' x",
            "sed --expression='1e' x",
            "sed -ni p x",
            "sed 's/[/]e/b/e' x",
            "sed '/a/,/b/w f' x",
            "sed 'p;e' x",
            "sed 'r f' x",
            "sed 'y/a/b/;e' x",
            "sed -n 's/a/b/;w f' x",
            "sed $X",
            "sed -s -n '$w f' x",
            "sed '{p}' x",
            "sed 'a\\\\ntext' x",
            "sed 'pe' x",
            "sed 's/[[:alpha:]/]/x/' x",
            "sed 's/[[:alpha:]/b/' x",
        ] {
            assert!(is_hazardous(command), "{command}");
        }
    }

    #[test]
    fn printing_and_substituting_pass() {
        for command in [
            "sed -n '1,20p' f.txt",
            "sed -n '$p' x",
            "sed 's/a/b/g' x",
            "sed 's/[[:space:]]*$//' x",
            "sed 's/[^[:alnum:]_-]/x/g' x",
            "sed -E 's|a/(b)|\\\\1|gi; 5q' x",
            "sed '/^#/d;/^$/d' x",
            "sed -n -e 1p -e '/x/,/y/p' x",
            "sed -n '/start/,+5p' x",
            "sed 10q",
        ] {
            assert!(!is_hazardous(command), "{command}");
        }
    }
}
