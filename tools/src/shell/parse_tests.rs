use proptest::prelude::*;

use super::*;
use crate::shell::NotUnderstoodKind;

/// Parts as `after: words [redirections]`, one a line.
fn shown(command: &str) -> String {
    let parsed = match parse(command) {
        Ok(parsed) => parsed,
        Err(error) => return format!("{:?}: {}", error.kind, error.reason),
    };
    let word = |word: &Word| match (word.has_variable(), word.has_glob) {
        (false, false) => format!("<{}>", word.text),
        (true, _) => format!("<{}>$", word.text),
        (false, true) => format!("<{}>*", word.text),
    };
    let part = |part: &SimpleCommand| {
        let assignments = part.assignments.iter().map(|a| format!("{}={}", a.name, word(&a.value)));
        let redirections = part.redirections.iter().map(|r| format!("{:?}{}", r.direction, word(&r.target)));
        let all: Vec<String> = assignments.chain(part.words.iter().map(word)).chain(redirections).collect();
        format!("{:?} {}", part.after, all.join(" "))
    };
    parsed.commands.iter().map(part).collect::<Vec<_>>().join("\n")
}

#[test]
fn commands_are_taken_apart_with_their_quotes_removed() {
    for (command, expected) in [
        ("git status", "First <git> <status>"),
        ("g\"\"it 'status'", "First <git> <status>"),
        (r#"echo "a \"b\" \$c \n" 'd'\''e' f\ g"#, r#"First <echo> <a "b" $c \n> <d'e> <f g>"#),
        ("a && b || c; d | e & f", "First <a>\nAnd <b>\nOr <c>\nSequence <d>\nPipe <e>\nBackground <f>"),
        ("a |& b", "First <a>\nPipe <b>"),
        ("a\nb\n\nc", "First <a>\nSequence <b>\nSequence <c>"),
        ("a &&\n  b", "First <a>\nAnd <b>"),
        ("cargo test \\\n  -p x", "First <cargo> <test> <-p> <x>"),
        ("true # comment; touch x\ntouch y", "First <true>\nSequence <touch> <y>"),
        ("A=1 B='x y' cmd C=3", "First A=<1> B=<x y> <cmd> <C=3>"),
        ("A=1", "First A=<1>"),
        ("cmd 2>&1 >/dev/null", "First <cmd>"),
        ("cmd > out.txt 2>>err < in", "First <cmd> Write<out.txt> Write<err> Read<in>"),
        ("cmd &> all", "First <cmd> Write<all>"),
        ("echo x >& /dev/tcp/127.0.0.1/9", "First <echo> <x> Write</dev/tcp/127.0.0.1/9>"),
        ("> out", "First Write<out>"),
        ("ls *.rs \"*.md\" a?b", "First <ls> <*.rs>* <*.md> <a?b>*"),
        ("echo $HOME \"x $HOME y\"", "First <echo> <$HOME>$ <x $HOME y>$"),
        ("echo \"was $?\" $?", "First <echo> <was $?>$ <$?>$"),
        ("git show stash@{0} @{u}.. {}", "First <git> <show> <stash@{0}> <@{u}..> <{}>"),
        (
            "git commit -m \"$(cat <<'EOF'\nfix: it's (a); b\n\nc\nEOF\n)\" && ls",
            "First <git> <commit> <-m> <fix: it's (a); b\n\nc>\nAnd <ls>",
        ),
        ("find . -name '*.rs' -exec cat {} \\;", "First <find> <.> <-name> <*.rs> <-exec> <cat> <{}> <;>"),
        ("rg \"foo|bar\" src", "First <rg> <foo|bar> <src>"),
        ("git log --format='%h;%s' -5", "First <git> <log> <--format=%h;%s> <-5>"),
        ("echo 5 -1 0x1f", "First <echo> <5> <-1> <0x1f>"),
        ("grep -E '^foo$' \"bar$\"", "First <grep> <-E> <^foo$> <bar$>"),
        ("echo äöü 日本", "First <echo> <äöü> <日本>"),
    ] {
        assert_eq!(shown(command), expected, "{command}");
    }
}

#[test]
fn everything_beyond_that_is_not_understood() {
    for command in [
        "echo $(touch x)",
        "echo `touch x`",
        "cat <(touch x)",
        "tee >(cat)",
        "echo \"$(x)\"",
        "echo \"`x`\"",
        "echo ${x}",
        "echo \"${x:=1}\"",
        "echo $((1+1))",
        "echo $1",
        "echo $#",
        "echo \"$@\"",
        "echo $'a'",
        "echo $\"a\"",
        "cat <<E\nx\nE",
        "cat <<< x",
        "f() { ls; }; f",
        "function f { ls; }",
        "if true; then ls; fi",
        "for i in 1 2; do ls; done",
        "while true; do ls; done",
        "case x in x) ls;; esac",
        "(ls)",
        "{ ls; }",
        "! ls",
        "[[ -f x ]]",
        "[ -f x ]",
        "((1))",
        "a[0]=1",
        "a=(1 2)",
        "a+=1",
        "export A=1",
        "declare A=1",
        "unset A",
        "g{it,} status",
        "echo {1..3}",
        "echo a\rb",
        "echo \u{202e} x",
        "echo a\u{a0}b",
        "echo a\u{200b}b",
        "echo \u{1b}[2J",
        "ls \\\r\n",
        "exec {fd}>x",
        "coproc ls",
        "select x in a; do ls; done",
        "echo a\\\nb",
        "\"a\\\nb\"",
        "let x=1 <<< a",
        "echo @(a|b)",
        "cmd > a b",
        "echo \"a$(",
        "time { ls; }",
        "echo {},x}",
        "echo {{},x}",
    ] {
        assert!(parse(command).is_err(), "{command:?} was understood: {}", shown(command));
    }
    assert!(parse(&"a ".repeat(COMMAND_CHARS_MAX)).is_err());
    assert!(parse(&vec!["true"; 500].join(" && ")).is_err());
}

#[test]
fn broken_commands_are_told_from_those_that_are_only_beyond_us() {
    for command in ["echo \"unterminated", "echo 'x", "ls &&", "| ls", "", "   ", "# only a comment"] {
        assert_eq!(parse(command).unwrap_err().kind, NotUnderstoodKind::Syntax, "{command:?}");
    }
    let error = parse("echo ok; echo $(x)").unwrap_err();
    assert_eq!((error.kind, error.span), (NotUnderstoodKind::Beyond, 14..18));
}

proptest! {
    /// Words that are quoted by the book come back as they were, whatever stands between them.
    #[test]
    fn quoted_words_come_back_unchanged(
        words in prop::collection::vec("[ -~äß]{1,12}", 1..5),
        separator in prop::sample::select(vec![" ", "  ", "\t"]),
    ) {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        let parsed = parse(&format!("echo{separator}{}", quoted.join(separator))).unwrap();
        let texts: Vec<&str> = parsed.commands[0].arguments().iter().map(|word| word.text.as_str()).collect();
        prop_assert_eq!(texts, words);
    }

    /// No input makes the parser panic, and what is understood has at least one part.
    #[test]
    fn no_input_panics(command in "[ -~\n\t$`'\"\\\\;&|<>(){}\\[\\]*?!#=a-e0-9]{0,60}") {
        if let Ok(parsed) = parse(&command) {
            prop_assert!(!parsed.commands.is_empty());
        }
    }

    /// Real Bash reads the same text out of a quoted document, whatever stands in it.
    #[test]
    fn bash_agrees_about_documents(body in "[a-cE'\"`$()\\\\;&|<>\n -]{0,40}") {
        let command = format!("printf '[%s]' \"$(cat <<'E'\n{body}\nE\n)\"");
        let Ok(parsed) = parse(&command) else { return Ok(()) };
        prop_assert_eq!(parsed.commands.len(), 1);
        let expected = format!("[{}]", parsed.commands[0].words[2].text);
        let Ok(output) = std::process::Command::new("bash").arg("-c").arg(&command).output() else { return Ok(()) };
        prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", command);
    }

    /// Real Bash splits every understood command into the same words: `printf` is its own witness.
    #[test]
    fn bash_agrees_about_the_words(tail in "[a-c '\"\\\\#=~%,:@^+/.{}0-9-]{0,24}") {
        let command = format!("printf '[%s]' x {tail}");
        let Ok(parsed) = parse(&command) else { return Ok(()) };
        prop_assume!(parsed.commands.len() == 1 && parsed.commands[0].redirections.is_empty());
        let words = &parsed.commands[0].words;
        // Tilde expansion is the shell's last word on a literal; the gate expands it for paths only.
        prop_assume!(words.iter().all(|word| word.is_literal() && !word.text.contains('~')));
        let texts: Vec<&str> = words[2..].iter().map(|word| word.text.as_str()).collect();
        let expected = format!("[{}]", texts.join("]["));
        let Ok(output) = std::process::Command::new("bash").arg("-c").arg(&command).output() else { return Ok(()) };
        prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", command);
    }
}
