//! Payloads hung on allowed commands, with real Bash as the witness.

use codex_task_config::{PermissionMode, RuleBehavior};
use proptest::prelude::*;

use super::Decision;
use super::testing::Bench;

const ALLOW: RuleBehavior = RuleBehavior::Allow;

/// Commands that the rules of the property allow, each harmless.
const ALLOWED: &[&str] =
    &["echo a", "git status", "printf x", "true", "ls", "cat f", "sort f", "timeout 5 echo a"];

/// What may stand around the payload: balanced quotes make it a harmless word, the others only look so.
const QUOTES: &[(&str, &str)] = &[
    ("", ""),
    ("'", "'"),
    ("\"", "\""),
    ("\\'", "'"),
    ("'\\''", "'"),
    ("\"'", "'\""),
    ("#", ""),
    ("\\", ""),
    ("'", "\""),
    ("\\\"", "\\\""),
    ("'\"'", "'\"'"),
    ("\"\\\"", "\""),
    ("$'", "'"),
    ("$\"", "\""),
    ("''", "''"),
    ("\\\\'", "'"),
    ("\"#", "\""),
    ("\t", "\\"),
];

/// Ways to hang a payload on a command.
fn smuggled(command: &str, payload: &str, way: usize) -> String {
    match way {
        0 => format!("{command}; {payload}"),
        1 => format!("{command} && {payload}"),
        2 => format!("{command} || {payload}"),
        3 => format!("{command} | {payload}"),
        4 => format!("{command} & {payload}"),
        5 => format!("{command}\n{payload}"),
        6 => format!("{command} $({payload})"),
        7 => format!("{command} `{payload}`"),
        8 => format!("{command} \"$({payload})\""),
        9 => format!("{command} <({payload})"),
        10 => format!("{command} \"${{x:=$({payload})}}\""),
        11 => format!("f() {{ {payload}; }}; {command}; f"),
        12 => format!("{command} <<E\n$({payload})\nE"),
        13 => format!("{command} # x\n{payload}"),
        14 => format!("{command}\r\n{payload}"),
        15 => format!("({payload}); {command}"),
        16 => format!("if {command}; then {payload}; fi"),
        17 => format!("{command} $((a[$({payload})]))"),
        18 => format!("! {command}; {payload}"),
        19 => format!("{command} \\\n; {payload}"),
        20 => format!("eval '{payload}' ; {command}"),
        21 => format!("{command} |& {payload}"),
        22 => format!("env {payload}; {command}"),
        23 => format!("xargs {payload}; {command}"),
        24 => format!("timeout 5 {payload} && {command}"),
        _ => format!("{{ {payload}; {command}; }}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a payload is hung on and however it is quoted: when the verdict is "allow", running the command in real
    /// Bash does not run the payload.
    #[test]
    fn an_allowed_command_never_runs_a_payload(
        command in prop::sample::select(ALLOWED),
        way in 0_usize..26,
        quotes in prop::sample::select(QUOTES),
        outer in prop::option::of((0_usize..26, prop::sample::select(ALLOWED))),
    ) {
        let rules = ["echo:*", "git status:*", "printf:*", "true:*", "ls:*", "cat:*", "sort:*", "timeout:*", "env:*", "xargs:*"];
        let rules: Vec<String> = rules.iter().map(|rule| format!("Bash({rule})")).collect();
        let rules: Vec<(RuleBehavior, &str)> = rules.iter().map(|rule| (ALLOW, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        bench.file("f", "x\n");
        let (before, after) = quotes;
        let mut line = smuggled(&format!("{command} {before}"), &format!("touch MARK{after}"), way);
        if let Some((way, command)) = outer {
            line = smuggled(command, &line, way);
        }
        if bench.bash(&line).decision() == Decision::Allow {
            let status = std::process::Command::new("bash")
                .args(["-c", &line])
                .current_dir(bench.root())
                .stdin(std::process::Stdio::null())
                .output();
            prop_assert!(status.is_ok());
            prop_assert!(!bench.root().join("MARK").exists(), "ran: {line:?}");
        }
    }

    /// A command that ends in an unguarded payload is never allowed, with or without Bash at hand.
    #[test]
    fn a_bare_payload_is_never_allowed(command in prop::sample::select(ALLOWED), way in 0_usize..26) {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "Bash(echo:*)"), (ALLOW, "Bash(git:*)")]);
        let line = smuggled(command, "touch MARK", way);
        prop_assert_ne!(bench.bash(&line).decision(), Decision::Allow, "{}", line);
    }
}
